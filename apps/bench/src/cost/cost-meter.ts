import pg from 'pg';
import { BENCH, type ShopTables } from '../checkout/shop-tables.js';
import type { ShopRun, ShopUsage } from '../shop/shop-run.js';

/** What a shop has cost up to a point in time. */
export interface Reading {
  readonly atMs: number;
  /** Transactions in its database, committed or rolled back, without the bench's own. */
  readonly transactions: number;
  /** Rows inserted, updated or deleted per table, in all schemas. */
  readonly rows: ReadonlyMap<string, number>;
  readonly usage: ShopUsage;
}

/** What a shop costs between two points in time. */
export interface Cost {
  readonly seconds: number;
  readonly transactions: number;
  readonly rows: ReadonlyMap<string, number>;
  readonly shopMs: number;
  /** The part of the supervisor with its front door. */
  readonly supervisorMs: number;
  readonly postgresMs: number;
  readonly brokerMs: number;
}

/**
 * Reads the counters of a shop's database, and the usage of its processes. The counts of an otherwise idle session may
 * be up to 10 s late.
 */
export class CostMeter {
  private own = 0;

  private constructor(
    private readonly run: ShopRun,
    private readonly tables: ShopTables,
    private readonly client: pg.Client,
  ) {}

  /** `tables` is the bench's other connection, which is also excluded from the count. */
  static async open(run: ShopRun, tables: ShopTables): Promise<CostMeter> {
    const client = new pg.Client({ connectionString: run.databaseUrl, application_name: BENCH });
    await client.connect();
    return new CostMeter(run, tables, client);
  }

  async read(): Promise<Reading> {
    const usage = await this.run.usage();
    const atMs = performance.now();
    // flush the counts of this session, including this statement, before the next reading
    await this.query('select pg_stat_force_next_flush()');
    const own = this.own + this.tables.statements;
    const {
      rows: [all],
    } = await this.query<{ transactions: string }>(
      'select xact_commit + xact_rollback as transactions from pg_stat_database where datname = current_database()',
    );
    const written = await this.query<{ name: string; rows: string }>(
      'select relname as name, sum(n_tup_ins + n_tup_upd + n_tup_del) as rows from pg_stat_user_tables group by 1',
    );
    return {
      atMs,
      transactions: Number(all?.transactions) - own,
      rows: new Map(written.rows.map(({ name, rows }) => [name, Number(rows)])),
      usage,
    };
  }

  /** Switches PostgreSQL's logging of statements on or off; each line starts with the name of its connection. */
  async logStatements(on: boolean): Promise<void> {
    await this.query(`alter system set log_line_prefix = '[%a] '`);
    await this.query(`alter system set log_statement = '${on ? 'all' : 'none'}'`);
    await this.query('select pg_reload_conf()');
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  private async query<T extends pg.QueryResultRow = pg.QueryResultRow>(text: string): Promise<pg.QueryResult<T>> {
    const result = await this.client.query<T>(text);
    this.own += 1;
    return result;
  }
}

/** The difference between two readings. */
export function between(from: Reading, to: Reading): Cost {
  const ms = (of: (usage: ShopUsage) => { readonly cpuSeconds: number }): number =>
    (of(to.usage).cpuSeconds - of(from.usage).cpuSeconds) * 1_000;
  return {
    seconds: (to.atMs - from.atMs) / 1_000,
    transactions: to.transactions - from.transactions,
    rows: new Map([...to.rows].map(([name, rows]) => [name, rows - (from.rows.get(name) ?? 0)])),
    shopMs: ms((usage) => usage.shop),
    supervisorMs: ms((usage) => usage.supervisor),
    postgresMs: ms((usage) => usage.postgres),
    brokerMs: ms((usage) => usage.broker),
  };
}

/**
 * Counts the statements of everyone but the bench in PostgreSQL's log; the begin and the end of a transaction count as
 * one each, and so does a text of several statements.
 */
export class StatementCount {
  statements = 0;

  /** Takes a line of the log, as `CostMeter.logStatements` has them written. */
  readonly take = (line: string): void => {
    if (/^\[[^\]]*\] LOG: {2}(statement:|execute )/.test(line) && !line.startsWith(`[${BENCH}]`)) this.statements += 1;
  };
}
