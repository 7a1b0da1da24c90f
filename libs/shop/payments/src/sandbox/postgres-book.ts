import type { DataSource } from 'typeorm';
import type { Book, Line } from './book.js';

/** A book in a table: one for all replicas that bring the sandbox along. */
export class PostgresBook implements Book {
  constructor(private readonly dataSource: DataSource) {}

  async write(reference: string, decide: (lines: readonly Line[]) => readonly Line[]): Promise<void> {
    await this.dataSource.transaction(async () => {
      await this.dataSource.query("SELECT pg_advisory_xact_lock(hashtext('sandbox_book'), hashtext($1))", [reference]);
      const added = decide(await this.lines('SELECT line FROM sandbox_book WHERE reference = $1 ORDER BY seq', [reference]));
      for (const line of added) {
        await this.dataSource.query('INSERT INTO sandbox_book (reference, key, outcome, line) VALUES ($1, $2, $3, $4)', [reference, line.key, line.outcome, line]);
      }
    });
  }

  find(key: string): Promise<readonly Line[]> {
    return this.lines('SELECT line FROM sandbox_book WHERE key = $1 ORDER BY seq', [key]);
  }

  untold(limit: number): Promise<readonly Line[]> {
    return this.lines(
      `SELECT line FROM sandbox_book p WHERE outcome = 'pending'
       AND NOT EXISTS (SELECT FROM sandbox_book t WHERE t.key = p.key AND t.outcome IN ('told', 'untold'))
       ORDER BY seq LIMIT $1`,
      [limit],
    );
  }

  read(after: number, limit: number): Promise<readonly Line[]> {
    return this.lines('SELECT line FROM sandbox_book ORDER BY seq OFFSET $1 LIMIT $2', [after, limit]);
  }

  private async lines(sql: string, parameters: unknown[]): Promise<Line[]> {
    return (await this.dataSource.query<{ line: Line }[]>(sql, parameters)).map((row) => row.line);
  }
}
