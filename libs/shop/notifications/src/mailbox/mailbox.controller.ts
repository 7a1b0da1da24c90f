import { Public } from '@fledge/kit';
import { Controller, Get, Header, NotFoundException, Param } from '@nestjs/common';
import { ApiExcludeController, ApiProperty } from '@fledge/kit/openapi';
import { IsUUID } from 'class-validator';
import { escaped, letterOf } from '../send-mails/letter.js';
import { MAILBOX, NotificationsSettings } from '../settings.js';
import { MailRepository } from '../storage/mail.repository.js';
import { mailboxPage } from './mailbox-page.js';

/** The most mails that the page shows. */
const SHOWN_MAX = 100;
const HTML = 'text/html; charset=utf-8';
/** The page contains foreign text, so it must not run or load anything. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-same-origin";

/** The `:id` in a path. */
export class MailId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly id!: string;
}

/** All mails, on a developer's machine, without authentication. Disabled when mail is sent by SMTP. */
@ApiExcludeController()
@Public()
@Controller('notifications/mailbox')
export class MailboxController {
  constructor(
    private readonly settings: NotificationsSettings,
    private readonly mails: MailRepository,
  ) {}

  @Get()
  @Header('content-type', HTML)
  @Header('content-security-policy', POLICY)
  async list(): Promise<string> {
    this.refuseIfSent();
    return mailboxPage(await this.mails.list(undefined, undefined, SHOWN_MAX));
  }

  @Get(':id')
  @Header('content-type', HTML)
  @Header('content-security-policy', POLICY)
  async read(@Param() { id }: MailId): Promise<string> {
    this.refuseIfSent();
    const mail = await this.mails.findSent(id);
    if (!mail) throw new NotFoundException('there is no such mail');
    return letterOf(mail).html.replace(
      '<body>',
      `<body><p><a href="../mailbox">Mailbox</a> · to ${escaped(mail.recipient ?? '')}</p>`,
    );
  }

  private refuseIfSent(): void {
    if (this.settings.smtpUrl !== MAILBOX) throw new NotFoundException('mail is sent by SMTP, and is not shown here');
  }
}
