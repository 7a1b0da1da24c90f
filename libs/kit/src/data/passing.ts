import { DatabaseUnavailable } from './errors.js';

/** SQLSTATE classes and codes that say nothing of the work: connection, resources, operator; serialization, deadlock. */
const PASSING_STATE = /^(08...|53...|57P0[1-5]|40001|40P01|25006)$/;
const PASSING_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
/** What pg says, without a code, of a connection that broke. */
const PASSING_TEXT = /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect)/;

/**
 * Whether a failure is of the module's database at this moment, and not of the work: a lost connection, a deadlock, a serialization
 * failure. The same work may succeed in a moment. The codes of the network count only in what TypeORM tells of a query: anything else
 * that a handler cannot reach is its own failure.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string' && PASSING_STATE.test(code)) return true;
  if (PASSING_TEXT.test(error.message) || error.name === 'QueryRunnerAlreadyReleasedError') return true;
  return driverError instanceof Error && (PASSING_CODES.has(String((driverError as { code?: unknown }).code)) || isPassing(driverError));
}
