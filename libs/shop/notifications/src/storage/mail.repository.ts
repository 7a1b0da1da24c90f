import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Not, Repository } from 'typeorm';
import { type MailFacts, type MailKind, MailRow } from './mail.row.js';

/** The place of a mail in a list. */
export interface MailPlace {
  readonly createdAt: Date;
  readonly id: string;
}

/** A mail as its sender needs it. */
export type DueMail = Pick<MailRow, 'id' | 'orderId' | 'userId' | 'kind' | 'facts' | 'createdAt' | 'tries'>;

const TAKE_DUE = `
WITH taken AS (
  UPDATE mails SET send_at = now() + $1 * interval '1 ms' WHERE id IN (SELECT id FROM mails WHERE send_at <= now() ORDER BY send_at LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING id, order_id AS "orderId", user_id AS "userId", kind, facts, created_at AS "createdAt", tries
)
SELECT taken.*, extract(epoch FROM next.at - clock_timestamp())::float8 * 1000 AS "nextInMs"
FROM (SELECT min(send_at) AS at FROM mails WHERE send_at > now()) next LEFT JOIN taken ON true
ORDER BY taken."createdAt", taken.id`;

/** Mails by user, and mails to send. */
@Injectable()
export class MailRepository {
  constructor(@InjectRepository(MailRow) private readonly rows: Repository<MailRow>) {}

  /** Stores a mail to be sent, unless the order has one of its kind. */
  async add(kind: MailKind, orderId: string, userId: string, facts: MailFacts): Promise<void> {
    const now = new Date();
    // uses the clock that decides when it is sent
    const sendAt = (): string => 'clock_timestamp()';
    const row = {
      id: randomUUID(),
      orderId,
      userId,
      kind,
      facts,
      createdAt: now,
      sendAt,
      tries: 0,
      failure: null,
      recipient: null,
      sentAt: null,
    };
    await this.rows.createQueryBuilder().insert().values(row).orIgnore().execute();
  }

  /**
   * Takes up to `limit` due mails, and reserves them for `againMs` in case the sender never reports the result. Also
   * returns the milliseconds until the next one is due, `Infinity` if there is none.
   */
  async takeDue(againMs: number, limit: number): Promise<{ readonly due: DueMail[]; readonly nextInMs: number }> {
    const rows = await this.rows.query<(DueMail & { readonly nextInMs: number | null })[]>(TAKE_DUE, [againMs, limit]);
    return { due: rows.filter(({ id }) => id !== null), nextInMs: rows[0]?.nextInMs ?? Infinity };
  }

  /** Records mails as sent. */
  async sent(mails: readonly { readonly id: string; readonly recipient: string }[]): Promise<void> {
    if (mails.length === 0) return;
    await this.rows.query(
      'UPDATE mails m SET recipient = s.recipient, sent_at = $3, send_at = NULL, failure = NULL FROM unnest($1::uuid[], $2::text[]) AS s(id, recipient) WHERE m.id = s.id',
      [mails.map(({ id }) => id), mails.map(({ recipient }) => recipient), new Date()],
    );
  }

  /** Records a failed attempt. @param againMs the milliseconds until the next one; `null`: never. */
  async failed({ id, tries }: DueMail, failure: string, againMs: number | null): Promise<void> {
    await this.rows.update(
      { id, sentAt: IsNull() },
      {
        tries: tries + 1,
        failure: failure.replaceAll('\u0000', '').slice(0, 500),
        sendAt: againMs === null ? null : () => `clock_timestamp() + ${againMs} * interval '1 ms'`,
      },
    );
  }

  /** A user's mails, or all that were sent, the newest first, starting after a place. */
  async list(userId: string | undefined, after: MailPlace | undefined, limit: number): Promise<MailRow[]> {
    const query = this.rows
      .createQueryBuilder('m')
      .where(userId === undefined ? 'm.sent_at IS NOT NULL' : 'm.user_id = :userId', { userId });
    if (after) query.andWhere('(m.created_at, m.id) < (:createdAt, CAST(:id AS uuid))', after);
    return query.orderBy('m.created_at', 'DESC').addOrderBy('m.id', 'DESC').limit(limit).getMany();
  }

  /** A mail that was sent. */
  async findSent(id: string): Promise<MailRow | undefined> {
    return (await this.rows.findOneBy({ id, sentAt: Not(IsNull()) })) ?? undefined;
  }
}
