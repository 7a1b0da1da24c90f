import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter, type TransportOptions } from 'nodemailer';
import { MAILBOX, NotificationsSettings } from '../settings.js';
import type { Letter } from './letter.js';

/** How long a server may take to respond. */
const TIMEOUT_MS = 10_000;

/** Sends letters by SMTP; without a server, they stay in the database and appear in the mailbox page. */
@Injectable()
export class Mailer implements OnModuleDestroy {
  private readonly server: Transporter | undefined;

  constructor(private readonly settings: NotificationsSettings) {
    const { smtpUrl, smtpTls } = settings;
    if (smtpUrl === MAILBOX)
      new Logger('mail').log(
        'Mail stays in the page /notifications/mailbox. Set `smtpUrl` of notifications to send it.',
      );
    else
      this.server = createTransport({
        url: smtpUrl,
        requireTLS: smtpTls === 'required',
        connectionTimeout: TIMEOUT_MS,
        greetingTimeout: TIMEOUT_MS,
        socketTimeout: TIMEOUT_MS,
      } as TransportOptions);
  }

  /**
   * Sends a letter. @param id stays the same when it is sent again, so that a server or a reader can recognise the
   * duplicate.
   */
  async send(id: string, recipient: string, letter: Letter): Promise<void> {
    // an object, not a string: an address must never be parsed as two
    await this.server?.sendMail({
      ...letter,
      from: this.settings.from,
      to: { name: '', address: recipient },
      messageId: `<${id}@mail.fledge-shop>`,
    });
  }

  onModuleDestroy(): void {
    this.server?.close();
  }
}
