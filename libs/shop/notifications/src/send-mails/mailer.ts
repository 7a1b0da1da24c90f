import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter, type TransportOptions } from 'nodemailer';
import { MAILBOX, NotificationsSettings } from '../settings.js';
import type { Letter } from './letter.js';

/** How long a server may take to say something. */
const TIMEOUT_MS = 10_000;

/** Hands letters to an SMTP server; without one, they stay where they are, to be read in the mailbox page. */
@Injectable()
export class Mailer implements OnModuleDestroy {
  private readonly server: Transporter | undefined;

  constructor(private readonly settings: NotificationsSettings) {
    const { smtpUrl } = settings;
    if (smtpUrl === MAILBOX)
      new Logger('mail').log(
        'Mail stays in the page /notifications/mailbox. Set `smtpUrl` of notifications to send it.',
      );
    else
      this.server = createTransport({
        url: smtpUrl,
        connectionTimeout: TIMEOUT_MS,
        greetingTimeout: TIMEOUT_MS,
        socketTimeout: TIMEOUT_MS,
      } as TransportOptions);
  }

  /** Sends a letter. @param id names it for good: a server, or a reader, knows by it one that was sent twice. */
  async send(id: string, recipient: string, letter: Letter): Promise<void> {
    // an object, not a text: an address never becomes two
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
