import { types } from 'node:util';
import type { Outcome } from '../contract/index.js';
import { DatabaseUnavailable } from './errors.js';

/**
 * SQLSTATE classes and codes that are no fault of the work: connection, resources, operator; serialization, deadlock.
 */
const PASSING_STATE = /^(08...|53...|57P0[1-5]|40001|40P01|25006)$/;
/** Those of them with which PostgreSQL says that it undid the failed work. */
const UNDONE_STATE = /^(40001|40P01|53...|25006)$/;
const PASSING_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** pg's messages, without a code, for a broken connection. */
const PASSING_TEXT =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect)/;
/** TypeORM's errors for a connection that broke between two statements: it releases the runner of the transaction. */
const RELEASED = new Set(['QueryRunnerAlreadyReleasedError', 'QueryRunnerProviderAlreadyReleasedError']);

/**
 * Whether a failure is a temporary one of the module's database and not of the work: a lost connection, a deadlock, a
 * serialization failure. The same work may succeed in a moment. Network error codes count only inside TypeORM's error
 * of a query: anything else that a handler cannot reach is its own failure.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  // no `instanceof`: a socket's error comes from Node's own realm, which differs where a test runs in its own context
  if (!types.isNativeError(error)) return false;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && PASSING_STATE.test(code)) return true;
  if (PASSING_TEXT.test(error.message) || RELEASED.has(error.name)) return true;
  return (
    types.isNativeError(driverError) &&
    (PASSING_CODES.has(String((driverError as { code?: unknown }).code)) || isPassing(driverError))
  );
}

const undone = new WeakSet<object>();

/**
 * Records that the transaction which an error ended never attempted to commit: PostgreSQL undoes it, whatever happened
 * to the connection.
 */
export function noteUndone(error: unknown): void {
  if (typeof error === 'object' && error !== null) undone.add(error);
}

/** Whether an error comes from the statement that ends a transaction. */
export function isOfCommit(error: unknown): boolean {
  return (error as { query?: unknown } | null | undefined)?.query === 'COMMIT';
}

/**
 * The outcome of a temporary failure: `not-run` if there was no connection, `rejected` if PostgreSQL undid the work,
 * `unknown` if the connection was lost during a COMMIT or during a statement outside a transaction. `undefined` if the
 * failure is not temporary.
 */
export function passingOutcome(error: unknown): Outcome | undefined {
  if (!isPassing(error)) return undefined;
  if (error instanceof DatabaseUnavailable) return error.outcome;
  return undone.has(error as object) || UNDONE_STATE.test(stateOf(error)) ? 'rejected' : 'unknown';
}

function stateOf(error: unknown): string {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  return String(code ?? driverError?.code);
}
