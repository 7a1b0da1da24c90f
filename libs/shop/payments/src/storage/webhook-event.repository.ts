import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

/** Which webhooks were seen, by the provider's ids. */
@Injectable()
export class WebhookEventRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Records an event; returns whether it is new. Waits for a concurrent transaction that records it. */
  async add(id: string): Promise<boolean> {
    const rows = await this.dataSource.query<unknown[]>(
      'INSERT INTO webhook_events (id, received_at) VALUES ($1, now()) ON CONFLICT DO NOTHING RETURNING id',
      [id],
    );
    return rows.length === 1;
  }

  /** Deletes events older than this many days: what they reported is settled, and a repetition would change nothing. */
  async forget(olderThanDays: number): Promise<void> {
    await this.dataSource.query('DELETE FROM webhook_events WHERE received_at < now() - make_interval(days => $1)', [
      olderThanDays,
    ]);
  }
}
