import { CallCancelled, DeadlineExceeded } from '../contract/index.js';
import { now, TICK_MS } from './clock.js';
import type { CallContext } from './call-context.js';

/**
 * Whether a handler failed only because its own call has expired or its caller gave up. A nested call ends with that
 * deadline up to a tick before the outer call's own is checked, so its failure counts as the deadline's, not as a fault
 * of the module.
 */
export function isExpired(context: CallContext, error: unknown): boolean {
  if (error instanceof CallCancelled) return context.cancelled;
  return error instanceof DeadlineExceeded && context.deadlineAt - now() <= 2 * TICK_MS;
}
