import { types } from 'node:util';
import type { Outcome } from '../contract/index.js';
import { DatabaseUnavailable } from './errors.js';

/**
 * SQLSTATE classes and codes that say nothing of the work: connection, resources, operator; serialization, deadlock.
 */
const PASSING_STATE = /^(08...|53...|57P0[1-5]|40001|40P01|25006)$/;
/** Of them, those with which PostgreSQL says that it undid what failed. */
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
/** What pg says, without a code, of a connection that broke. */
const PASSING_TEXT =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect)/;
/** What TypeORM says of a connection that broke between two statements: it releases the runner of the transaction. */
const RELEASED = new Set(['QueryRunnerAlreadyReleasedError', 'QueryRunnerProviderAlreadyReleasedError']);

/**
 * Whether a failure is of the module's database at this moment, and not of the work: a lost connection, a deadlock, a
 * serialization failure. The same work may succeed in a moment. The codes of the network count only in what TypeORM
 * tells of a query: anything else that a handler cannot reach is its own failure.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  // a socket's error is of Node's own realm, which is another one where a test runs in a context of its own
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
 * Notes that the transaction which an error ended was never asked to commit: PostgreSQL undoes it, whatever became of
 * the connection.
 */
export function noteUndone(error: unknown): void {
  if (typeof error === 'object' && error !== null) undone.add(error);
}

/** Whether an error is of the statement that ends a transaction for good. */
export function isOfCommit(error: unknown): boolean {
  return (error as { query?: unknown } | null | undefined)?.query === 'COMMIT';
}

/**
 * What a passing failure says of what failed: `not-run` when there was no connection, `rejected` when PostgreSQL undid
 * it, `unknown` when the connection was lost with a COMMIT, or a statement outside a transaction, under way.
 * `undefined` when it is none.
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
