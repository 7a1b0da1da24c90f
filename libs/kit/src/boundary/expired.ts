import { CallCancelled, DeadlineExceeded } from '../contract/index.js';
import { now, TICK_MS } from './clock.js';
import type { CallContext } from './call-context.js';

/**
 * Whether a handler failed only because the time of its own call is spent, or its caller gave up: a call that it made
 * ended with it, a tick sooner than its own deadline is looked at. Such a failure is the deadline's, not a fault of the
 * module.
 */
export function isExpired(context: CallContext, error: unknown): boolean {
  if (error instanceof CallCancelled) return context.cancelled;
  return error instanceof DeadlineExceeded && context.deadlineAt - now() <= 2 * TICK_MS;
}
