import { DatabaseUnavailable } from '../data/index.js';
import { FledgeError, InvalidMessage } from '../contract/index.js';
import type { ConsumerRules, FailedAttempt } from './consumer.js';
import { storable } from './storable.js';
import { UnknownVersion } from './delivery-errors.js';

/** Lines of a stack that the history keeps. */
const STACK_LINES_MAX = 12;
/** Characters of an error's text that the history keeps. */
const TEXT_CHARS_MAX = 2_000;

/**
 * How long to wait after a failed try: evenly chosen between nothing and a bound that doubles with each ('full jitter', after
 * Brooker, Exponential Backoff and Jitter, 2015), so that what failed together does not come back together.
 * @param attempt 1 after the first.
 */
export function waitMs(rules: Pick<ConsumerRules, 'backoffMs' | 'backoffMaxMs'>, attempt: number, random: () => number = Math.random): number {
  return Math.floor(random() * boundMs(rules, attempt));
}

/** The longest that `waitMs` can answer. */
export function boundMs({ backoffMs, backoffMaxMs }: Pick<ConsumerRules, 'backoffMs' | 'backoffMaxMs'>, attempt: number): number {
  return Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(attempt - 1, 40));
}

/** Whether a further try of the same code can not end otherwise. */
export function isFinal(error: unknown, rules: Pick<ConsumerRules, 'notRetryable'>): boolean {
  return error instanceof InvalidMessage || error instanceof UnknownVersion || rules.notRetryable.some((cls) => error instanceof cls);
}

/** SQLSTATE classes and codes that say nothing of the message: connection, resources, operator; serialization, deadlock. */
const PASSING_STATE = /^(08...|53...|57P0[1-5]|40001|40P01|25006)$/;
const PASSING_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
/** What pg says, without a code, of a connection that broke. */
const PASSING_TEXT = /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect)/;

/**
 * Whether a failure is of the module's database at this moment, and not of the message: a lost connection, a deadlock, a serialization
 * failure. What a handler can not reach besides is a failed try of its message: those codes of the network count only in what TypeORM
 * tells of a query.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && PASSING_STATE.test(code)) return true;
  if (PASSING_TEXT.test(error.message) || error.name === 'QueryRunnerAlreadyReleasedError') return true;
  return driverError instanceof Error && (PASSING_CODES.has(String((driverError as { code?: unknown }).code)) || isPassing(driverError));
}

/** What the history tells of a failed try. */
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
