import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { FAILURES_FORGOTTEN_AFTER_S } from '../backoff/backoff-rules.js';
import { LogInFailureRow } from './log-in-failure.row.js';

/** Failed log-ins, counted for all replicas by the database's clock. */
@Injectable()
export class LogInFailureRepository {
  constructor(@InjectRepository(LogInFailureRow) private readonly rows: Repository<LogInFailureRow>) {}

  /** The failures under these keys, and the seconds since the last of each. */
  list(keys: readonly string[]): Promise<{ key: string; count: number; ageS: number }[]> {
    return this.rows
      .createQueryBuilder('failure')
      .select('failure.key', 'key')
      .addSelect('failure.count', 'count')
      .addSelect('extract(epoch FROM now() - failure.failed_at)::float8', 'ageS')
      .where('failure.key = ANY(:keys)', { keys })
      .getRawMany();
  }

  /** Counts a failure under each key. */
  async add(keys: readonly string[]): Promise<void> {
    // one statement, in one order: log-ins that fail at the same time must not wait for each other in a circle
    await this.rows.query(
      `INSERT INTO log_in_failures AS kept (key, count, failed_at)
       SELECT key, 1, now() FROM unnest($1::text[]) AS key ORDER BY key
       ON CONFLICT (key) DO UPDATE SET
         count = CASE WHEN kept.failed_at < now() - make_interval(secs => $2) THEN 1 ELSE least(kept.count + 1, 100000) END,
         failed_at = now()`,
      [keys, FAILURES_FORGOTTEN_AFTER_S],
    );
  }

  /** Forgets the failures under a key. */
  async forget(key: string): Promise<void> {
    await this.rows.delete({ key });
  }

  /** Deletes up to `max` failures that no longer count; returns how many. */
  async deleteOld(max: number): Promise<number> {
    const { affected } = await this.rows
      .createQueryBuilder()
      .delete()
      .where(
        `key IN (SELECT key FROM log_in_failures WHERE failed_at < now() - make_interval(secs => :seconds) LIMIT :max)`,
        { seconds: FAILURES_FORGOTTEN_AFTER_S, max },
      )
      .execute();
    return affected ?? 0;
  }
}
