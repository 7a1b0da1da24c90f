import type { DataSource } from 'typeorm';
import type { Book, Line } from './book.js';

/** A book in a table, shared by all replicas that run the sandbox. */
export class PostgresBook implements Book {
  constructor(private readonly dataSource: DataSource) {}

  async write(reference: string, decide: (lines: readonly Line[]) => Line | undefined): Promise<void> {
    for (;;) {
      const lines = await this.lines('SELECT line FROM sandbox_book WHERE reference = $1 ORDER BY position', [
        reference,
      ]);
      const line = decide(lines);
      if (!line) return;
      // A concurrent writer has taken the position: the unique position replaces a lock while deciding.
      const written = await this.dataSource.query<unknown[]>(
        'INSERT INTO sandbox_book (reference, position, key, outcome, line) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (reference, position) DO NOTHING RETURNING seq',
        [reference, lines.length, line.key, line.outcome, line],
      );
      if (written.length === 1) return;
    }
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
