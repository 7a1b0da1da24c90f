import { CALL_LIMITS_DEFAULT, type CallLimits, type CallLimitsByModule } from '../contract/index.js';
import type { Section } from './section.js';
import { count, duration } from './values.js';

/** Reads what calls may take: the defaults, and under `modules` what differs for a module that is called. */
export function readCalls(section: Section, modules: readonly string[]): CallLimitsByModule {
  const defaults = readLimits(section, CALL_LIMITS_DEFAULT);
  const own = section.section('modules');
  const limits: Record<string, CallLimits> = {};
  for (const module of modules) {
    const one = own.section(module);
    if (one.entries.length === 0) continue;
    limits[module] = readLimits(one, defaults);
    one.refuseUnknownKeys();
  }
  own.refuseUnknownKeys();
  section.refuseUnknownKeys();
  return { defaults, modules: limits };
}

function readLimits(section: Section, defaults: CallLimits): CallLimits {
  const breaker = section.section('breaker');
  const retries = section.section('retryBudget');
  const limits = {
    inFlightMax: section.read('inFlightMax', count(1, 100_000), defaults.inFlightMax),
    callerShare: section.read('callerShare', count(1, 100), defaults.callerShare),
    waitingMax: section.read('waitingMax', count(1, 100_000), defaults.waitingMax),
    breaker: {
      silentRate: breaker.read('silentRate', count(1, 100), defaults.breaker.silentRate),
      callsMin: breaker.read('callsMin', count(1, 1_000_000), defaults.breaker.callsMin),
      windowMs: breaker.read('window', duration('100ms', '10m'), defaults.breaker.windowMs),
      openForMs: breaker.read('openFor', duration('10ms', '10m'), defaults.breaker.openForMs),
    },
    retryBudget: {
      percent: retries.read('percent', count(0, 1_000), defaults.retryBudget.percent),
      floor: retries.read('floor', count(0, 100_000), defaults.retryBudget.floor),
    },
  };
  breaker.refuseUnknownKeys();
  retries.refuseUnknownKeys();
  return limits;
}
