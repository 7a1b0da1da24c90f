import { CallCancelled, DeadlineExceeded } from '../contract/index.js';
import { now, TICK_MS } from './clock.js';
import type { Frame } from './frame.js';

/**
 * Whether a handler failed only because the time of its own call is spent, or its caller gave up: a call that it made ended with
 * it, a tick sooner than its own deadline is looked at. Such a failure is the deadline's, not a fault of the module.
 */
export function isSpent(frame: Frame, error: unknown): boolean {
  if (error instanceof CallCancelled) return frame.cancelled;
  return error instanceof DeadlineExceeded && frame.deadlineAt - now() <= 2 * TICK_MS;
}
