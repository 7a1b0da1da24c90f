import { Logger } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { now } from '../boundary/index.js';
import { TrustMetrics } from '../observe/index.js';
import type { Unproven } from '../security/index.js';

/** Calls of one kind are logged at most once in this time, in milliseconds: whoever sends them can send many. */
const TOLD_EVERY_MS = 10_000;
/** The most kinds that are remembered. */
const KINDS_MAX = 256;

const logger = new Logger('trust');

/** Counts the calls that did not prove who acts in them, and logs them. */
export function watchUnproven(registry: Registry): (unproven: Unproven) => void {
  const metrics = new TrustMetrics();
  metrics.registerIn(registry);
  const toldAt = new Map<string, number>();
  return ({ module, message, caller, flaw, isRefused }) => {
    metrics.count(module, flaw, isRefused);
    const kind = `${message} ${caller} ${flaw}`;
    const at = now();
    if (at - (toldAt.get(kind) ?? -Infinity) < TOLD_EVERY_MS) return;
    if (toldAt.size >= KINDS_MAX) toldAt.clear();
    toldAt.set(kind, at);
    logger.warn(
      `${isRefused ? 'refused' : 'believed'} a call of ${message} that did not prove who acts in it (${flaw}); it says that it comes from ${caller}`,
    );
  };
}
