import { createHash } from 'node:crypto';

/** What failed log-ins are counted by. */
export type FailureKind = 'account-and-client' | 'client' | 'account';

interface BackoffRule {
  /** Failures that cost nothing. */
  readonly free: number;
  /** The longest pause, in seconds. */
  readonly pauseMaxS: number;
}

/**
 * Guessing at one account from one address is stopped soon. The two others stop those who spread their guesses over
 * accounts or addresses. That of an account is short and begins late, since everybody could lock out its user by it.
 */
const RULES: Readonly<Record<FailureKind, BackoffRule>> = {
  'account-and-client': { free: 5, pauseMaxS: 900 },
  client: { free: 50, pauseMaxS: 900 },
  account: { free: 50, pauseMaxS: 30 },
};

/** Seconds after which failures are forgotten, counted from the last. */
export const FAILURES_FORGOTTEN_AFTER_S = 3_600;

/** Failures of one kind. */
export interface Failures {
  readonly kind: FailureKind;
  readonly count: number;
  /** Seconds since the last. */
  readonly ageS: number;
}

/** Seconds until the next log-in may be tried: 1, 2, 4 … for each failure beyond the free ones, from the last on. */
export function pauseLeftS({ kind, count, ageS }: Failures): number {
  const { free, pauseMaxS } = RULES[kind];
  if (count <= free || ageS >= FAILURES_FORGOTTEN_AFTER_S) return 0;
  return Math.max(0, Math.min(2 ** (count - free - 1), pauseMaxS) - ageS);
}

/** What an attempt is counted by: hashes, since what is typed as an address may be anything, also a password. */
export function failureKeys(account: string, client: string): Readonly<Record<FailureKind, string>> {
  return {
    'account-and-client': keyOf('account-and-client', account, client),
    client: keyOf('client', client),
    account: keyOf('account', account),
  };
}

function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
