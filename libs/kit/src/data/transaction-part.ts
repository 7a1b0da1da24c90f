import type { Socket } from 'node:net';
import type { QueryRunner, ReplicationMode } from 'typeorm';
import { TransactionOver } from './errors.js';

/** The parts of a `pg` connection that are used here. */
interface Connection {
  /** Since pg 8.23: sends a query at once instead of waiting for the previous answer. Older versions ignore it. */
  pipeline?: boolean;
  readonly processID: number;
  readonly connection: { readonly stream: Pick<Socket, 'cork' | 'uncork'> };
  query(text: string): Promise<unknown>;
  /** Since pg 8.19: `E` while PostgreSQL refuses everything but a rollback. */
  getTransactionStatus?(): string | null;
}

/** A statement as pg accepts it, which PostgreSQL parses once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** A runner that also runs statements directly on the connection, in turn with its queries. */
export interface RawRunner extends QueryRunner {
  raw(statement: Statement): Promise<unknown>;
}

/** The savepoint of the open part; a connection has at most one part at a time. */
const SAVEPOINT = 'part';

/**
 * A part of an open transaction that can be undone separately, behind a savepoint that costs no round trip: it is sent
 * with the first query of the part, so a part without queries has none. The parts of a transaction follow one another.
 *
 * The part's work queries through `runner`, which is the transaction's until the part ends. Afterwards it refuses every
 * query, so that abandoned work that continues can write neither into the next part nor into the commit.
 */
export class TransactionPart {
  readonly runner: QueryRunner;
  private opening: Promise<void> | undefined;
  private over = false;
  private undone = false;
  /** Queries of the part that were sent but not answered. */
  private pending = 0;
  private hasFailedQuery = false;
  private idle: (() => void) | undefined;

  constructor(
    private readonly transaction: QueryRunner,
    /** Whether an earlier part of this transaction has left a savepoint. */
    private readonly follows: boolean,
  ) {
    const query = (...args: Parameters<QueryRunner['query']>): Promise<unknown> =>
      this.within(() => transaction.query(...args));
    const raw = (statement: Statement): Promise<unknown> =>
      this.within(() => (transaction as RawRunner).raw(statement));
    // like the transaction's runner, except for how it queries and for TypeORM's state of nested transactions
    this.runner = Object.create(transaction, {
      query: { value: query },
      raw: { value: raw },
      release: { value: () => Promise.resolve() },
    }) as QueryRunner;
  }

  /** Whether the part has sent a query, so that the transaction has a savepoint. */
  get hasSavepoint(): boolean {
    return this.opening !== undefined;
  }

  /**
   * Whether a statement of the part failed and was not undone, even if its work caught the error: the part cannot be
   * kept.
   */
  async isBroken(): Promise<boolean> {
    if (!this.hasFailedQuery) return false;
    const connection = await connectionOf(this.transaction);
    // PostgreSQL reports the state of the transaction after the error, which may arrive in a later packet: ask again
    await connection.query('');
    return connection.getTransactionStatus?.() === 'E';
  }

  /** Whether the part has ended with its changes kept in the transaction. */
  get isKept(): boolean {
    return this.over && !this.undone;
  }

  /** Whether a query of the part is unanswered. */
  get isBusy(): boolean {
    return this.pending > 0;
  }

  /** Ends the part: its runner accepts no more queries. Its changes stay in the transaction, unless it is undone. */
  end(): void {
    this.over = true;
  }

  /** Ends the part and undoes its changes, once its last query is answered. Rejects if the connection is lost. */
  async undo(): Promise<void> {
    this.end();
    this.undone = true;
    if (this.pending > 0) await new Promise<void>((resolve) => (this.idle = resolve));
    if (this.hasSavepoint) await this.transaction.query(`rollback to savepoint ${SAVEPOINT}`);
  }

  private async within(query: () => Promise<unknown>): Promise<unknown> {
    if (this.over) throw new TransactionOver();
    this.pending++;
    try {
      await (this.opening ??= this.open());
      return await query();
    } catch (error) {
      this.hasFailedQuery = true;
      throw error;
    } finally {
      if (--this.pending === 0) this.idle?.();
    }
  }

  private async open(): Promise<void> {
    const connection = await connectionOf(this.transaction);
    connection.pipeline = true;
    // one system call for both: by the next tick TypeORM has passed on the query that waits for this
    const { stream } = connection.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
    // its failure fails the query that follows on the same connection
    connection
      .query(this.follows ? `release savepoint ${SAVEPOINT}; savepoint ${SAVEPOINT}` : `savepoint ${SAVEPOINT}`)
      .catch(() => undefined);
  }
}

/** Turns a connection that had parts back into an ordinary one; call it when none of its queries is pending. */
export async function leaveParts(runner: QueryRunner): Promise<void> {
  if (runner.isReleased) return;
  (await connectionOf(runner)).pipeline = false;
}

/** The server process of a runner's connection. */
export async function backendOf(runner: QueryRunner): Promise<number> {
  return (await connectionOf(runner)).processID;
}

async function connectionOf(runner: QueryRunner): Promise<Connection> {
  return (await runner.connect()) as Connection;
}

/** Cancels the query that a backend is running, if any, from another connection. */
export async function cancelQuery(
  plainRunner: (mode?: ReplicationMode) => QueryRunner,
  backend: number,
): Promise<void> {
  const runner = plainRunner();
  try {
    await runner.query('select pg_cancel_backend($1)', [backend]);
  } finally {
    await runner.release();
  }
}
