import pg from 'pg';

/** When orders entered a state: the time of the commit, in milliseconds since 1970. */
export type Moments = ReadonlyMap<string, number>;

/** Each query finds violations, a line each. `$1`: the orders whose buyers were told that they are placed. */
const NEVER: readonly string[] = [
  `select format('order %s is lost', told.id) as line from unnest($1::uuid[]) as told (id) where not exists (select from ordering.orders o where o.id = told.id)`,
  `select format('order %s is %s, not completed', o.id, o.state) as line from ordering.orders o join unnest($1::uuid[]) as told (id) using (id) where o.state <> 'completed'`,
  `select format('order %s is %s, and its buyer was not told of it', o.id, o.state) as line
   from ordering.orders o left join unnest($1::uuid[]) as told (id) using (id) where o.placed_at is not null and told.id is null`,
  `select format('order %s was charged %s times by the book of the payment provider', told.id, count(book.line)) as line
   from unnest($1::uuid[]) as told (id)
   left join payments.sandbox_book book on book.line ->> 'orderId' = told.id::text and book.line ->> 'operation' = 'capture' and book.outcome = 'approved'
   group by told.id having count(book.line) <> 1`,
  `select format('%s was paid for order %s of %s', coalesce(p.captured_minor - p.refunded_minor, 0), o.id, o.total_minor) as line
   from ordering.orders o left join payments.payments p on p.order_id = o.id where o.state = 'completed' and coalesce(p.captured_minor - p.refunded_minor, 0) <> o.total_minor`,
  `select format('the ledger of order %s sums to %s', order_id, sum(amount_minor)) as line from payments.ledger_entry group by order_id having sum(amount_minor) <> 0`,
  `select format('%s of product %s are sold, and ordered are %s', s.sold, s.product_id, coalesce(l.ordered, 0)) as line
   from inventory.stock s
   left join (select product_id, sum(quantity) as ordered from ordering.order_lines l join ordering.orders o on o.id = l.order_id where o.state = 'completed' group by 1) l using (product_id)
   where s.sold <> coalesce(l.ordered, 0) or s.reserved <> 0`,
];

/** The name of the bench's own connections to a database. */
export const BENCH = 'bench';

/** Reads the tables of all modules directly, so that nothing is asked of the shop while it is measured. */
export class ShopTables {
  /** Statements made so far, each in a transaction. */
  statements = 0;

  private constructor(
    private readonly client: pg.Client,
    private readonly schemas: readonly string[],
  ) {}

  static async open(url: string): Promise<ShopTables> {
    const client = new pg.Client({ connectionString: url, application_name: BENCH });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      "select table_schema as name from information_schema.tables where table_name = 'fledge_outbox'",
    );
    return new ShopTables(
      client,
      rows.map((row) => row.name),
    );
  }

  /** The given products that have stock. */
  async stocked(products: readonly string[]): Promise<string[]> {
    const { rows } = await this.query<{ id: string }>(
      'select product_id as id from inventory.stock where available > 0 and product_id = any($1)',
      [products],
    );
    return rows.map((row) => row.id);
  }

  /**
   * Whether every order has ended and every message was handled. While orders are in progress it checks nothing else.
   */
  async isAtRest(): Promise<boolean> {
    const messages = this.schemas.flatMap((schema) => [
      `select 1 from "${schema}".fledge_outbox where sent_at is null`,
      `select 1 from "${schema}".fledge_inbox where state in ('ready', 'parked')`,
    ]);
    for (const waiting of [
      "select 1 from ordering.orders where state in ('placing', 'placed', 'confirmed', 'shipped', 'cancelling')",
      ...messages,
    ]) {
      const { rowCount } = await this.query(`${waiting} limit 1`);
      if (rowCount !== 0) return false;
    }
    return true;
  }

  /** How many orders are sent and paid. */
  async completed(): Promise<number> {
    const {
      rows: [row],
    } = await this.query<{ completed: number }>(
      "select count(*)::int as completed from ordering.orders where state = 'completed'",
    );
    return row?.completed ?? 0;
  }

  /** When each of these orders entered a state; without those that did not. */
  async moments(orders: readonly string[], state: string): Promise<Moments> {
    const { rows } = await this.query<{ id: string; at: number }>(
      'select order_id as id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at from ordering.order_steps where state = $2 and order_id = any($1)',
      [orders, state],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** All problems of the shop at rest, a line each. */
  async broken(told: readonly string[]): Promise<string[]> {
    const queries = this.schemas.flatMap((schema) => [
      `select format('${schema}: %s of %s is a dead letter of %s', name, key, consumer) as line from "${schema}".fledge_dead_letter`,
      `select format('${schema}: process %s of %s failed', name, key) as line from "${schema}".fledge_process where status = 'failed'`,
    ]);
    const found: string[] = [];
    for (const query of [...NEVER, ...queries]) {
      const { rows } = await this.query<{ line: string }>(query, query.includes('$1') ? [told] : []);
      found.push(...rows.map((row) => row.line));
    }
    return found;
  }

  private query<T extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<pg.QueryResult<T>> {
    this.statements += 1;
    return this.client.query<T>(text, values);
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
