import { AccessDenied, FledgeError, InvalidMessage } from '../../contract/index.js';
import type { ConsumerRules, FailedAttempt } from '../consumers/consumer.js';
import { storable } from '../storage/storable.js';
import { UnknownVersion } from '../consumers/delivery-errors.js';

export { isPassing } from '../../data/index.js';

/** The most lines of a stack that the history keeps. */
const STACK_LINES_MAX = 12;
/** The most characters of an error's text that the history keeps. */
const TEXT_CHARS_MAX = 2_000;

/**
 * How long to wait after a failed attempt: a random time between zero and a bound that doubles with each ('full
 * jitter', after Brooker, Exponential Backoff and Jitter, 2015), so that messages that failed together are not retried
 * together.
 * @param attempt 1 after the first.
 */
export function waitMs(
  rules: Pick<ConsumerRules, 'backoffMs' | 'backoffMaxMs'>,
  attempt: number,
  random: () => number = Math.random,
): number {
  return Math.floor(random() * boundMs(rules, attempt));
}

/** The longest wait that `waitMs` can return. */
export function boundMs(
  { backoffMs, backoffMaxMs }: Pick<ConsumerRules, 'backoffMs' | 'backoffMaxMs'>,
  attempt: number,
): number {
  return Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(attempt - 1, 40));
}

/** Whether another attempt by the same code cannot succeed. */
export function isFinal(error: unknown, rules: Pick<ConsumerRules, 'notRetryable'>): boolean {
  return (
    error instanceof InvalidMessage ||
    error instanceof AccessDenied ||
    error instanceof UnknownVersion ||
    rules.notRetryable.some((cls) => error instanceof cls)
  );
}

/** The history's entry for a failed attempt. */
export function failedAttempt(error: unknown, attempt: number, replica: string): FailedAttempt {
  const stack = error instanceof Error ? error.stack?.split('\n').slice(0, STACK_LINES_MAX).join('\n') : undefined;
  return {
    attempt,
    at: new Date().toISOString(),
    code: codeOf(error),
    message: storable(error instanceof Error ? error.message : String(error), TEXT_CHARS_MAX),
    ...(stack !== undefined && { stack: storable(stack, TEXT_CHARS_MAX) }),
    replica,
  };
}

function codeOf(error: unknown): string {
  if (error instanceof FledgeError) return error.code;
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : typeof error;
}
