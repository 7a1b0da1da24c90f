import { MODULE_SETTINGS, type ModuleSettings } from '@fledge/kit';
import { StartupError } from '@fledge/kit/contract';
import { Inject, Injectable } from '@nestjs/common';

/** Says in production, too, that mail is not to be sent: for a trial. */
const MAILBOX = 'mailbox';
/** Who mails come from, when it is not set. */
const FROM_DEFAULT = 'Fledge shop <shop@localhost>';
const KNOWN = ['smtpUrl', 'from'];

/**
 * What the topology file says under `settings.notifications`, checked.
 * @throws StartupError for a setting that is unknown or wrong, and in production without a server to send by.
 */
@Injectable()
export class NotificationsSettings {
  /** Where mail is handed over: `smtp://user:password@host:587`; `smtps://` for TLS from the start. Left out, or `mailbox`, mails stay in the mailbox page. */
  readonly smtpUrl: string | undefined;
  /** Who mails come from. */
  readonly from: string;

  constructor(@Inject(MODULE_SETTINGS) settings: ModuleSettings) {
    for (const name of Object.keys(settings)) if (!KNOWN.includes(name)) throw wrong(name, 'is not known', `Use one of ${KNOWN.join(', ')}.`);
    this.smtpUrl = smtpUrlOf(textOf(settings, 'smtpUrl'));
    this.from = textOf(settings, 'from') ?? FROM_DEFAULT;
  }
}

/** An empty text is an environment variable that is not set. */
function textOf(settings: ModuleSettings, name: string): string | undefined {
  const value = settings[name] ?? '';
  if (typeof value !== 'string') throw wrong(name, 'is no text', 'Write it in quotes.');
  return value === '' ? undefined : value;
}

function smtpUrlOf(text: string | undefined): string | undefined {
  if (text === undefined) {
    if (process.env.NODE_ENV !== 'production') return undefined;
    throw wrong('smtpUrl', 'is not set, and in production mail must reach people', 'Set it to the URL of an SMTP server: smtp://user:password@host:587. For a trial, `mailbox` keeps mail in a page that everybody can read.');
  }
  if (text === MAILBOX) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '') return text;
  // not the text itself: it may hold a password
  throw wrong('smtpUrl', 'is no URL of an SMTP server', 'Write it as smtp://user:password@host:587, or smtps:// for TLS from the start.');
}

function wrong(name: string, fact: string, cure: string): StartupError {
  return new StartupError('setting', `the setting '${name}' of notifications ${fact}`, cure, { module: 'notifications', setting: name });
}
