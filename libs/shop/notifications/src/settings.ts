import { IsString, ValidateBy } from 'class-validator';

/** A value of `smtpUrl`: mail is not sent, but shown in the mailbox page. */
export const MAILBOX = 'mailbox';

/** The settings that a topology file may have under `settings.notifications`. */
export class NotificationsSettings {
  /**
   * The SMTP server: `smtp://user:password@host:587`; `smtps://` for TLS from the start. Or `mailbox`, the default
   * except in production, where mail must reach people: mails stay in the mailbox page.
   */
  @ValidateBy(
    { name: 'isSmtpUrl', validator: { validate: isSmtpUrl } },
    {
      message:
        'Write the URL of an SMTP server as smtp://user:password@host:587, or smtps:// for TLS from the start. For a trial, `mailbox` keeps mail in a page that everybody can read',
    },
  )
  readonly smtpUrl: string = process.env.NODE_ENV === 'production' ? '' : MAILBOX;
  /** The sender of the mails. */
  @IsString() readonly from: string = 'Fledge shop <shop@localhost>';
}

function isSmtpUrl(text: unknown): boolean {
  if (text === MAILBOX) return true;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
}
