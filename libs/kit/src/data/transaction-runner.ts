import { QueryFailedError, type QueryRunner } from 'typeorm';
import { beginWithLimit, BEGIN } from './idle-limit.js';
import { type Connection, connectionOf, type RawRunner, sendAhead, type Statement } from './transaction-part.js';

/**
 * Makes a runner send its queries one after the other. Repositories that share a transaction without knowing it are used
 * in parallel as a matter of course, and pg will stop queueing for us.
 *
 * Its BEGIN costs no round trip: it is sent with the first query, and a transaction without any takes no connection.
 */
export function transactionRunner(runner: QueryRunner): QueryRunner {
  const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
  let last: Promise<unknown> = Promise.resolve();
  /** The BEGIN that is not sent yet. */
  let begin: string | undefined;

  const begun = async (): Promise<Connection | undefined> => {
    if (begin === undefined) return undefined;
    const connection = await connectionOf(runner);
    sendAhead(connection, begin);
    begin = undefined;
    return connection;
  };
  const next = async (send: () => Promise<unknown>): Promise<unknown> => {
    const connection = await begun();
    try {
      return await send();
    } finally {
      // what is not a query of ours (a stream) finds the connection as any other
      if (connection) connection.pipeline = false;
    }
  };
  const inTurn = (send: () => Promise<unknown>): Promise<unknown> => {
    const turn = last.then(() => (begin === undefined ? send() : next(send)));
    last = turn.catch(() => undefined);
    return turn;
  };
  const sendQuery = (...args: unknown[]): Promise<unknown> => {
    if (args[0] === BEGIN) begin = beginWithLimit();
    else if (begin !== undefined && (args[0] === 'COMMIT' || args[0] === 'ROLLBACK')) begin = undefined;
    else return inTurn(() => query(...args));
    return Promise.resolve();
  };
  Object.defineProperty(runner, 'query', { value: sendQuery });
  Object.defineProperty(runner, 'raw', { value: (statement: Statement) => inTurn(() => rawOf(runner, statement)) });
  Object.defineProperty(runner, 'begun', { value: begun });
  return runner as RawRunner;
}

/** Runs a statement on the connection of a runner, past TypeORM. */
async function rawOf(runner: QueryRunner, statement: Statement): Promise<unknown> {
  const connection = (await connectionOf(runner)) as unknown as { query(statement: Statement): Promise<unknown> };
  try {
    return await connection.query(statement);
  } catch (error) {
    throw new QueryFailedError(statement.text, statement.values, error as Error);
  }
}
