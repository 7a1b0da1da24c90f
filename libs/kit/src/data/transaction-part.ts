import type { Socket } from 'node:net';
import type { QueryRunner, ReplicationMode } from 'typeorm';
import { TransactionOver } from './errors.js';

/** What of a connection of `pg` is used here. */
interface Connection {
  /** Since pg 8.23: a query is sent at once, not when the one before was answered. Older ones ignore it. */
  pipeline?: boolean;
  readonly processID: number;
  readonly connection: { readonly stream: Pick<Socket, 'cork' | 'uncork'> };
  query(text: string): Promise<unknown>;
  /** Since pg 8.19: `E` when PostgreSQL refuses all but a rollback. */
  getTransactionStatus?(): string | null;
}

/** A statement as pg takes it, which each connection has PostgreSQL parse once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** A runner that also runs statements past TypeORM, in turn with its queries. */
export interface RawRunner extends QueryRunner {
  raw(statement: Statement): Promise<unknown>;
}

/** Names the savepoint of the part that is open; a connection has one such part at a time. */
const SAVEPOINT = 'part';

/**
 * A part of an open transaction that can be undone alone, behind a savepoint that costs no round trip: it is sent with
 * the first query of the part, and one that has no query has none. Parts of a transaction follow one another.
 *
 * `runner` is how the part's work queries: it is the transaction's, until the part ends. From then on it refuses all,
 * so that work that was given up and goes on nevertheless can write neither into the next part nor into the commit.
 */
export class TransactionPart {
  readonly runner: QueryRunner;
  private opening: Promise<void> | undefined;
  private over = false;
  private undone = false;
  /** Queries of the part that were sent and are not answered. */
  private pending = 0;
  private idle: (() => void) | undefined;

  constructor(
    private readonly transaction: QueryRunner,
    /** Whether an earlier part of this transaction left its savepoint. */
    private readonly follows: boolean,
  ) {
    const query = (...args: Parameters<QueryRunner['query']>): Promise<unknown> =>
      this.within(() => transaction.query(...args));
    const raw = (statement: Statement): Promise<unknown> =>
      this.within(() => (transaction as RawRunner).raw(statement));
    // as the transaction's own in all but how it queries, and in what TypeORM keeps of nested transactions
    this.runner = Object.create(transaction, {
      query: { value: query },
      raw: { value: raw },
      release: { value: () => Promise.resolve() },
    }) as QueryRunner;
  }

  /** Whether the part has sent a query, so that the transaction has a savepoint now. */
  get hasSavepoint(): boolean {
    return this.opening !== undefined;
  }

  /**
   * Whether a statement of the part failed and was not undone, whatever its work made of the error: the part cannot be
   * kept.
   */
  async isBroken(): Promise<boolean> {
    return this.hasSavepoint && (await connectionOf(this.transaction)).getTransactionStatus?.() === 'E';
  }

  /** Whether the part ended and what it did stays in the transaction. */
  get isKept(): boolean {
    return this.over && !this.undone;
  }

  /** Whether a query of the part is not answered yet. */
  get isBusy(): boolean {
    return this.pending > 0;
  }

  /** Ends the part: its runner takes no more. What it did stays in the transaction, unless it is undone. */
  end(): void {
    this.over = true;
  }

  /** Ends the part and undoes what it did, when its last query is answered. Rejects when the connection is lost. */
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
    } finally {
      if (--this.pending === 0) this.idle?.();
    }
  }

  private async open(): Promise<void> {
    const connection = await connectionOf(this.transaction);
    connection.pipeline = true;
    // one system call for both: by the next tick TypeORM has handed over the query that waits for this
    const { stream } = connection.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
    // its failure fails the query that follows it on the same connection
    connection
      .query(this.follows ? `release savepoint ${SAVEPOINT}; savepoint ${SAVEPOINT}` : `savepoint ${SAVEPOINT}`)
      .catch(() => undefined);
  }
}

/** Lets a connection of which parts were opened work as any other again; when no query of it is under way. */
export async function leaveParts(runner: QueryRunner): Promise<void> {
  if (runner.isReleased) return;
  (await connectionOf(runner)).pipeline = false;
}

/** The server's process of a runner's connection. */
export async function backendOf(runner: QueryRunner): Promise<number> {
  return (await connectionOf(runner)).processID;
}

async function connectionOf(runner: QueryRunner): Promise<Connection> {
  return (await runner.connect()) as Connection;
}

/** Ends the query that a backend works on, if it does, from another connection. */
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
