import { MODULE_SETTINGS, type ModuleSettings } from '@fledge/kit';
import { StartupError } from '@fledge/kit/contract';
import { Inject, Injectable } from '@nestjs/common';

const NUMBERS = {
  /** Milliseconds for which what is packed stays here, and may be cancelled. */
  dispatchAfterMs: [2_000, 0, 604_800_000],
  /** Milliseconds from its dispatch until a shipment is with its buyer. */
  deliverAfterMs: [10_000, 0, 2_592_000_000],
} as const satisfies Readonly<Record<string, readonly [standard: number, min: number, max: number]>>;

/**
 * What the topology file says under `settings.shipping`, checked. Stands for the warehouse and the parcel service, which take their time.
 * @throws StartupError for a setting that is unknown or out of range.
 */
@Injectable()
export class ShippingSettings {
  readonly dispatchAfterMs: number;
  readonly deliverAfterMs: number;

  constructor(@Inject(MODULE_SETTINGS) settings: ModuleSettings) {
    for (const name of Object.keys(settings)) if (!(name in NUMBERS)) throw wrong(name, 'is not known', `Use one of ${Object.keys(NUMBERS).join(', ')}.`);
    this.dispatchAfterMs = numberOf(settings, 'dispatchAfterMs');
    this.deliverAfterMs = numberOf(settings, 'deliverAfterMs');
  }
}

function numberOf(settings: ModuleSettings, name: keyof typeof NUMBERS): number {
  const [standard, min, max] = NUMBERS[name];
  const value = settings[name] ?? standard;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw wrong(name, `is ${JSON.stringify(value)}`, `Use whole milliseconds from ${min} to ${max}; default ${standard}.`);
}

function wrong(name: string, fact: string, cure: string): StartupError {
  return new StartupError('setting', `the setting '${name}' of shipping ${fact}`, cure, { module: 'shipping', setting: name });
}
