import { Singleton } from '@fledge/kit';
import { Injectable, Logger } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { GetUser, UserNotFound } from '@shop/identity/contract';
import { type DueMail, MailRepository } from '../storage/mail.repository.js';
import { letterOf } from './letter.js';
import { Mailer } from './mailer.js';

/**
 * The most mails in one round, and how many at the same time: these are recorded together, so this many are sent again
 * if the sender is killed.
 */
const ROUND_MAX = 50;
const AT_ONCE = 5;
/** How long a mail that was taken is reserved for its sender, in case that is killed. */
const TAKEN_MS = 60_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 600_000;
/** A mail that cannot be sent is given up after this time: nobody wants to read it any more. */
const GIVEN_UP_MS = 86_400_000;

/**
 * Sends the stored mails. If the sender is killed between sending a mail and recording it, the mail is sent again with
 * the same Message-ID: SMTP allows no better.
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
   * One round. Safe to run concurrently. Returns the milliseconds until the next mail is due, if all due mails are
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

  /** Reschedules a mail that cannot be sent; the others do not wait for it. */
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
