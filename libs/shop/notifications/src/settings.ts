import { IsString, ValidateBy } from 'class-validator';

/** As `smtpUrl`: mail is not sent, but kept in the page of the mailbox. */
export const MAILBOX = 'mailbox';

/** What the topology file may say under `settings.notifications`. */
export class NotificationsSettings {
  /**
   * Where mail is handed over: `smtp://user:password@host:587`; `smtps://` for TLS from the start. Or `mailbox`: mails
   * stay in the mailbox page, the default, but in production, where mail must reach people.
   */
  @ValidateBy(
    { name: 'isSmtpUrl', validator: { validate: isSmtpUrl } },
    {
      message:
        'Write the URL of an SMTP server as smtp://user:password@host:587, or smtps:// for TLS from the start. For a trial, `mailbox` keeps mail in a page that everybody can read',
    },
  )
  readonly smtpUrl: string = process.env.NODE_ENV === 'production' ? '' : MAILBOX;
  /** Who mails come from. */
  @IsString() readonly from: string = 'Fledge shop <shop@localhost>';
}

function isSmtpUrl(text: unknown): boolean {
  if (text === MAILBOX) return true;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
}
