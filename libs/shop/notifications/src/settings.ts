import type { ProductionChecked, ProductionFinding } from '@fledge/kit';
import { IsIn, IsString, ValidateBy } from 'class-validator';

/** A value of `smtpUrl`: mail is not sent, but shown in the mailbox page. */
export const MAILBOX = 'mailbox';

/** The settings that a topology file may have under `settings.notifications`. */
export class NotificationsSettings implements ProductionChecked {
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
  /**
   * Whether a server of an `smtp://` URL must offer TLS (STARTTLS) with a valid certificate before anything is sent:
   * `required`, the default in production; or `offered`, for one that may not. An authority of your own is named in
   * NODE_EXTRA_CA_CERTS.
   */
  @IsIn(['required', 'offered']) readonly smtpTls: 'required' | 'offered' =
    process.env.NODE_ENV === 'production' ? 'required' : 'offered';
  /** The sender of the mails. */
  @IsString() readonly from: string = 'Fledge shop <shop@localhost>';

  productionFindings(): readonly ProductionFinding[] {
    if (this.smtpUrl === MAILBOX)
      return [
        {
          name: 'public-mailbox',
          fact: 'mail is not sent, but shown in a page that everybody can read',
          cure: 'Set settings.notifications.smtpUrl to an SMTP server',
        },
      ];
    const { protocol, hostname } = new URL(this.smtpUrl);
    const isEncrypted = protocol === 'smtps:' || this.smtpTls === 'required';
    if (isEncrypted || /^(localhost|127\.[0-9.]+|\[::1\])$/.test(hostname)) return [];
    return [
      {
        name: 'plain-smtp',
        fact: `mail is handed to ${hostname} over a connection that need not be encrypted`,
        cure: 'Use an smtps:// URL in settings.notifications.smtpUrl, or leave smtpTls at required',
      },
    ];
  }
}

function isSmtpUrl(text: unknown): boolean {
  if (text === MAILBOX) return true;
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
}
