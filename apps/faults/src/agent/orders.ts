/** The checkpoints of the kit's messaging, named as its diagnostics channels. */
export const POINTS = [
  'fledge.messaging.before-commit',
  'fledge.messaging.after-commit',
  'fledge.messaging.after-send',
  'fledge.messaging.after-accept',
  'fledge.messaging.after-handle',
  'fledge.messaging.after-handled',
] as const;

/** A checkpoint. */
export type Point = (typeof POINTS)[number];

/** An order of the lab to the agent in a service. */
export type AgentOrder =
  /** Ends or freezes the process when it has reached a checkpoint this many more times. */
  | { readonly at: Point; readonly after: number; readonly signal: 'SIGKILL' | 'SIGSTOP' }
  /** Fails this many of the next commits as PostgreSQL does when transactions conflict: nothing is stored. */
  | { readonly conflicts: number }
  /** Stores this many of the next commits but loses the answer together with the connection. */
  | { readonly lostCommits: number }
  /** Takes every free connection of every pool for a time. */
  | { readonly exhaustMs: number }
  /** Sets the process's clock relative to the machine's, in milliseconds. */
  | { readonly clockMs: number }
  | PoisonOrder
  /** Cancels orders that have not taken effect. */
  | { readonly disarm: true };

/**
 * Ends the process whenever it writes a row for an order into a table: the message that causes the row kills every
 * handler.
 */
export interface PoisonOrder {
  readonly table: string;
  readonly orderId: string;
}

/** The environment variable that tells a process, from its start, what is poisoned: a `PoisonOrder` as JSON. */
export const POISON_VARIABLE = 'FLEDGE_LAB_POISON';

/** The reports of the agent, one line of JSON each, written before it acts. */
export interface AgentReport {
  readonly did: 'SIGKILL' | 'SIGSTOP' | 'poisoned' | 'conflict' | 'lost-commit' | 'exhaust';
  readonly at?: Point;
}

/** The file descriptor of reports: a write to it completes before the process is stopped. */
export const REPORT_FD = 4;
