import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { GetUser, UserNotFound } from '@shop/identity/contract';
import { MailRepository } from '../storage/mail.repository.js';
import type { MailRow } from '../storage/mail.row.js';
import { letterOf } from './letter.js';
import { Mailer } from './mailer.js';

/** Mails that one round sends at most, of which so many at once. */
const ROUND_MAX = 50;
const AT_ONCE = 5;
/** How long a mail that was taken is not taken again, if its sender is killed. */
const TAKEN_MS = 60_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 600_000;
/** After this time a mail that can not be sent is given up: nobody wants to read it any more. */
const GIVEN_UP_MS = 86_400_000;

/**
 * Sends what is noted. A mail whose sender was killed between sending and noting it is sent again, under the same Message-ID: that
 * is as much as SMTP allows.
 */
@Injectable()
export class MailRound {
  private readonly logger = new Logger('mail');

  constructor(
    private readonly mails: MailRepository,
    private readonly mailer: Mailer,
    private readonly queries: QueryBus,
  ) {}

  /** One round. Safe to run twice at once. Returns the milliseconds until there is more to do, if there was nothing. */
  @Singleton('send-mails', { everyMs: 500, idleMs: 60_000 })
  async round(): Promise<number | undefined> {
    const nextInMs = await this.mails.nextInMs();
    if (nextInMs > 0) return nextInMs;
    const due = await this.mails.takeDue(new Date(Date.now() + TAKEN_MS), ROUND_MAX);
    const next = async (): Promise<void> => {
      for (let mail = due.shift(); mail !== undefined; mail = due.shift()) await this.send(mail);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    return undefined;
  }

  private async send(mail: MailRow): Promise<void> {
    try {
      const { email } = await this.queries.execute(new GetUser({ userId: mail.userId }));
      await this.mailer.send(mail.id, email, letterOf(mail));
      await this.mails.sent(mail.id, email);
    } catch (error) {
      await this.putOff(mail, error);
    }
  }

  /** The others do not wait for one that can not be sent. */
  private async putOff(mail: MailRow, error: unknown): Promise<void> {
    const failure = error instanceof Error ? error.message : String(error);
    const isOver = error instanceof UserNotFound || Date.now() - mail.createdAt.getTime() > GIVEN_UP_MS;
    const waitMs = Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(mail.tries, 20));
    if (isOver) this.logger.error(`The mail ${mail.id} of order ${mail.orderId} is given up: ${failure}`);
    else if (mail.tries === 0) this.logger.warn(`The mail ${mail.id} of order ${mail.orderId} is sent later: ${failure}`);
    await this.mails.failed(mail, failure, isOver ? null : new Date(Date.now() + waitMs));
  }
}
