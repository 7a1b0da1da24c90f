import pg from 'pg';

/** The lab's own access to the tables of all modules. */
export class Tables {
  private constructor(private readonly client: pg.Client) {}

  static async open(url: string): Promise<Tables> {
    const client = new pg.Client({ connectionString: url });
    // if the server is taken away, the next query fails and reports it
    client.on('error', () => undefined);
    await client.connect();
    return new Tables(client);
  }

  async rows<Row extends object>(text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(text, parameters.length > 0 ? [...parameters] : undefined)).rows;
  }

  /** The column `line` of each row. */
  async lines(text: string, parameters: readonly unknown[] = []): Promise<string[]> {
    return (await this.rows<{ line: string }>(text, parameters)).map((row) => row.line);
  }

  /** The schemas that have tables of durable messaging. */
  async schemas(): Promise<string[]> {
    const rows = await this.rows<{ name: string }>(
      "select table_schema as name from information_schema.tables where table_name = 'fledge_outbox' order by 1",
    );
    return rows.map((row) => row.name);
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
