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

/** Mails by user, and those that are to be sent. */
@Injectable()
export class MailRepository {
  constructor(@InjectRepository(MailRow) private readonly rows: Repository<MailRow>) {}

  /** Stores a mail to be sent, unless the order has one of its kind. */
  async add(kind: MailKind, orderId: string, userId: string, facts: MailFacts): Promise<void> {
    const now = new Date();
    const row: MailRow = { id: randomUUID(), orderId, userId, kind, facts, createdAt: now, sendAt: now, tries: 0, failure: null, recipient: null, sentAt: null };
    await this.rows.createQueryBuilder().insert().values(row).orIgnore().execute();
  }

  /** Takes up to `limit` mails that are to be sent by now, and puts off when they are taken again if nobody tells what became of them. */
  async takeDue(again: Date, limit: number): Promise<MailRow[]> {
    const [taken] = await this.rows.query<[{ id: string }[], number]>(
      'UPDATE mails SET send_at = $1 WHERE id IN (SELECT id FROM mails WHERE send_at <= now() ORDER BY send_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id',
      [again, limit],
    );
    return taken.length === 0 ? [] : this.rows.find({ where: taken.map(({ id }) => ({ id })), order: { createdAt: 'ASC', id: 'ASC' } });
  }

  /** The milliseconds until a mail is to be sent; `Infinity` if there is none. */
  async nextInMs(): Promise<number> {
    const [next] = await this.rows.query<{ ms: number | null }[]>("SELECT extract(epoch FROM min(send_at) - clock_timestamp())::float8 * 1000 AS ms FROM mails");
    return next?.ms ?? Infinity;
  }

  /** A mail was handed over. */
  async sent(id: string, recipient: string): Promise<void> {
    await this.rows.update({ id }, { recipient, sentAt: new Date(), sendAt: null, failure: null });
  }

  /** A try failed. @param again when the next one is; `null`: never. */
  async failed({ id, tries }: MailRow, failure: string, again: Date | null): Promise<void> {
    await this.rows.update({ id, sentAt: IsNull() }, { tries: tries + 1, failure: failure.replaceAll('\u0000', '').slice(0, 500), sendAt: again });
  }

  /** A user's mails, or all that were sent, the newest first, from after a place. */
  async list(userId: string | undefined, after: MailPlace | undefined, limit: number): Promise<MailRow[]> {
    const query = this.rows.createQueryBuilder('m').where(userId === undefined ? 'm.sent_at IS NOT NULL' : 'm.user_id = :userId', { userId });
    if (after) query.andWhere('(m.created_at, m.id) < (:createdAt, CAST(:id AS uuid))', after);
    return query.orderBy('m.created_at', 'DESC').addOrderBy('m.id', 'DESC').limit(limit).getMany();
  }

  /** A mail that was sent. */
  async findSent(id: string): Promise<MailRow | undefined> {
    return (await this.rows.findOneBy({ id, sentAt: Not(IsNull()) })) ?? undefined;
  }
}
