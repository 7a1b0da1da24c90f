import { MODULE_SETTINGS, type ModuleSettings } from '@fledge/kit';
import { StartupError } from '@fledge/kit/contract';
import { Inject, Injectable } from '@nestjs/common';

/** How long stock is held for an order that does not sell it, by default: 15 minutes. */
export const RESERVATION_DEFAULT_MS = 900_000;
/** The bounds of `reservationMs`: a second, to see it happen, and a week. */
const RESERVATION_MIN_MS = 1_000;
const RESERVATION_MAX_MS = 604_800_000;
const KNOWN = ['demo', 'reservationMs'];

/**
 * What the topology file says under `settings.inventory`, checked.
 * @throws StartupError for a setting that is unknown or out of range.
 */
@Injectable()
export class InventorySettings {
  /** Whether the demonstration products get stock. Default no. */
  readonly demo: boolean;
  /** Milliseconds, 1,000 to 604,800,000, for which stock is held for an order that does not sell it. Default 900,000. */
  readonly reservationMs: number;

  constructor(@Inject(MODULE_SETTINGS) settings: ModuleSettings) {
    for (const name of Object.keys(settings)) if (!KNOWN.includes(name)) throw wrong(name, 'is not known', `Use one of ${KNOWN.join(', ')}.`);
    const { demo = false, reservationMs = RESERVATION_DEFAULT_MS } = settings;
    if (typeof demo !== 'boolean') throw wrong('demo', `is ${JSON.stringify(demo)}`, 'Use true or false; default false.');
    if (typeof reservationMs !== 'number' || !Number.isInteger(reservationMs) || reservationMs < RESERVATION_MIN_MS || reservationMs > RESERVATION_MAX_MS) {
      throw wrong('reservationMs', `is ${JSON.stringify(reservationMs)}`, `Use whole milliseconds from ${RESERVATION_MIN_MS} to ${RESERVATION_MAX_MS}; default ${RESERVATION_DEFAULT_MS}.`);
    }
    this.demo = demo;
    this.reservationMs = reservationMs;
  }
}

function wrong(name: string, fact: string, cure: string): StartupError {
  return new StartupError('setting', `the setting '${name}' of inventory ${fact}`, cure, { module: 'inventory', setting: name });
}
