import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { GetUser, UserNotFound } from '@shop/identity/contract';
import { type DueMail, MailRepository } from '../storage/mail.repository.js';
import { letterOf } from './letter.js';
import { Mailer } from './mailer.js';

/**
 * Mails that one round sends at most, of which so many at once: they are noted together, and so many are sent again if
 * their sender is killed.
 */
const ROUND_MAX = 50;
const AT_ONCE = 5;
/** How long a mail that was taken is not taken again, if its sender is killed. */
const TAKEN_MS = 60_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 600_000;
/** After this time a mail that cannot be sent is given up: nobody wants to read it any more. */
const GIVEN_UP_MS = 86_400_000;

/**
 * Sends what is noted. A mail whose sender was killed between sending and noting it is sent again, under the same
 * Message-ID: that is as much as SMTP allows.
 */
@Injectable()
export class MailRound {
  private readonly logger = new Logger('mail');

  constructor(
    private readonly mails: MailRepository,
    private readonly mailer: Mailer,
    private readonly queries: QueryBus,
  ) {}

  /**
   * One round. Safe to run twice at once. Returns the milliseconds until there is more to do, if all that was due is
   * sent.
   */
  @Singleton('send-mails', { everyMs: 500, idleMs: 60_000 })
  async round(): Promise<number | undefined> {
    const { due, nextInMs } = await this.mails.takeDue(TAKEN_MS, ROUND_MAX);
    const addresses = new Map<string, Promise<string>>();
    let sent = 0;
    for (let from = 0; from < due.length; from += AT_ONCE) {
      const handedOver = await Promise.all(due.slice(from, from + AT_ONCE).map((mail) => this.send(mail, addresses)));
      const noted = handedOver.filter((mail) => mail !== undefined);
      await this.mails.sent(noted);
      sent += noted.length;
    }
    return sent === due.length && sent < ROUND_MAX ? nextInMs : undefined;
  }

  private async send(
    mail: DueMail,
    addresses: Map<string, Promise<string>>,
  ): Promise<{ readonly id: string; readonly recipient: string } | undefined> {
    const { id, userId } = mail;
    try {
      const address = addresses.get(userId) ?? this.queries.execute(new GetUser({ userId })).then(({ email }) => email);
      addresses.set(userId, address);
      const recipient = await address;
      await this.mailer.send(id, recipient, letterOf(mail));
      return { id, recipient };
    } catch (error) {
      await this.putOff(mail, error);
      return undefined;
    }
  }

  /** The others do not wait for one that cannot be sent. */
  private async putOff(mail: DueMail, error: unknown): Promise<void> {
    const failure = error instanceof Error ? error.message : String(error);
    const isOver = error instanceof UserNotFound || Date.now() - mail.createdAt.getTime() > GIVEN_UP_MS;
    const waitMs = Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(mail.tries, 20));
    if (isOver) this.logger.error(`The mail ${mail.id} of order ${mail.orderId} is given up: ${failure}`);
    else if (mail.tries === 0)
      this.logger.warn(`The mail ${mail.id} of order ${mail.orderId} is sent later: ${failure}`);
    await this.mails.failed(mail, failure, isOver ? null : Math.round(waitMs));
  }
}
