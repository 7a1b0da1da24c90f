import { MODULE_SETTINGS, type ModuleSettings } from '@fledge/kit';
import { StartupError } from '@fledge/kit/contract';
import { Inject, Injectable } from '@nestjs/common';

/** The secret of webhooks on a developer's machine; refused in production. */
export const DEVELOPMENT_WEBHOOK_SECRET = 'development-webhook-secret';
/** Characters of a webhook secret at least. */
export const WEBHOOK_SECRET_MIN = 16;

const NUMBERS = {
  /** Milliseconds that an answer of the provider is waited for. Long enough for a slow card, short beside a command's 30 s. */
  providerTimeoutMs: [5_000, 100, 10_000],
  /** Milliseconds after which a payment that still waits for the provider is asked for anew. */
  askedMaxMs: [15_000, 100, 3_600_000],
  /** How long the sandbox takes for a slow card. */
  sandboxSlowMs: [3_000, 0, 60_000],
  /** How long after its answer the sandbox tells a late result. */
  sandboxLateMs: [2_000, 0, 600_000],
} as const satisfies Readonly<Record<string, readonly [standard: number, min: number, max: number]>>;

const TEXTS = ['providerUrl', 'webhookUrl', 'webhookSecret'] as const;

/**
 * What the topology file says under `settings.payments`, checked. Numbers are milliseconds.
 * @throws StartupError for a setting that is unknown or out of range, and in production for the secret that everybody knows.
 */
@Injectable()
export class PaymentsSettings {
  /** Where the provider is; left out, this module brings the sandbox along. */
  readonly providerUrl: string | undefined;
  /** Where the sandbox that came along sends webhooks; left out, they are handed over in the process. */
  readonly webhookUrl: string | undefined;
  /** Shared with the provider. */
  readonly webhookSecret: string;
  readonly providerTimeoutMs: number;
  readonly askedMaxMs: number;
  readonly sandboxSlowMs: number;
  readonly sandboxLateMs: number;

  constructor(@Inject(MODULE_SETTINGS) settings: ModuleSettings) {
    const known = [...TEXTS, ...Object.keys(NUMBERS)];
    for (const name of Object.keys(settings)) if (!known.includes(name)) throw wrong(name, 'is not known', `Use one of ${known.join(', ')}.`);
    this.providerUrl = urlOf(settings, 'providerUrl');
    this.webhookUrl = urlOf(settings, 'webhookUrl');
    this.webhookSecret = secretOf(textOf(settings, 'webhookSecret'));
    this.providerTimeoutMs = numberOf(settings, 'providerTimeoutMs');
    this.askedMaxMs = numberOf(settings, 'askedMaxMs');
    this.sandboxSlowMs = numberOf(settings, 'sandboxSlowMs');
    this.sandboxLateMs = numberOf(settings, 'sandboxLateMs');
  }
}

function numberOf(settings: ModuleSettings, name: keyof typeof NUMBERS): number {
  const [standard, min, max] = NUMBERS[name];
  const value = settings[name] ?? standard;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw wrong(name, `is ${JSON.stringify(value)}`, `Use whole milliseconds from ${min} to ${max}; default ${standard}.`);
}

/** An empty text is an environment variable that is not set. */
function textOf(settings: ModuleSettings, name: (typeof TEXTS)[number]): string | undefined {
  const value = settings[name] ?? '';
  if (typeof value !== 'string') throw wrong(name, 'is no text', 'Write it in quotes.');
  return value === '' ? undefined : value;
}

function urlOf(settings: ModuleSettings, name: 'providerUrl' | 'webhookUrl'): string | undefined {
  const text = textOf(settings, name);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw wrong(name, `is '${text}'`, 'Use a URL with http: or https:.');
}

function secretOf(secret: string | undefined): string {
  if (secret === undefined) {
    if (process.env.NODE_ENV !== 'production') return DEVELOPMENT_WEBHOOK_SECRET;
    throw wrong('webhookSecret', 'is not set, and its default is known to everybody', 'Set it to the secret that the provider signs webhooks with.');
  }
  if (secret.length >= WEBHOOK_SECRET_MIN) return secret;
  throw wrong('webhookSecret', `has ${secret.length} characters`, `Use ${WEBHOOK_SECRET_MIN} or more.`);
}

function wrong(name: string, fact: string, cure: string): StartupError {
  return new StartupError('setting', `the setting '${name}' of payments ${fact}`, cure, { module: 'payments', setting: name });
}
