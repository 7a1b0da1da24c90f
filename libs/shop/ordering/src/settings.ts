import { MODULE_SETTINGS, type ModuleSettings } from '@fledge/kit';
import { StartupError } from '@fledge/kit/contract';
import { Inject, Injectable } from '@nestjs/common';

/** How long a payment may take to be authorised, by default: a minute. */
export const PAYMENT_TIMEOUT_DEFAULT_MS = 60_000;
const PAYMENT_TIMEOUT_MIN_MS = 100;
const PAYMENT_TIMEOUT_MAX_MS = 86_400_000;
const KNOWN = ['paymentTimeoutMs'];

/**
 * What the topology file says under `settings.ordering`, checked.
 * @throws StartupError for a setting that is unknown or out of range.
 */
@Injectable()
export class OrderingSettings {
  /** Milliseconds, 100 to 86,400,000, within which the payment of an order is authorised, or the order is given up. Default 60,000. */
  readonly paymentTimeoutMs: number;

  constructor(@Inject(MODULE_SETTINGS) settings: ModuleSettings) {
    for (const name of Object.keys(settings)) if (!KNOWN.includes(name)) throw wrong(name, 'is not known', `Use ${KNOWN.join(', ')}.`);
    const { paymentTimeoutMs = PAYMENT_TIMEOUT_DEFAULT_MS } = settings;
    if (typeof paymentTimeoutMs !== 'number' || !Number.isInteger(paymentTimeoutMs) || paymentTimeoutMs < PAYMENT_TIMEOUT_MIN_MS || paymentTimeoutMs > PAYMENT_TIMEOUT_MAX_MS) {
      throw wrong('paymentTimeoutMs', `is ${JSON.stringify(paymentTimeoutMs)}`, `Use whole milliseconds from ${PAYMENT_TIMEOUT_MIN_MS} to ${PAYMENT_TIMEOUT_MAX_MS}; default ${PAYMENT_TIMEOUT_DEFAULT_MS}.`);
    }
    this.paymentTimeoutMs = paymentTimeoutMs;
  }
}

function wrong(name: string, fact: string, cure: string): StartupError {
  return new StartupError('setting', `the setting '${name}' of ordering ${fact}`, cure, { module: 'ordering', setting: name });
}
