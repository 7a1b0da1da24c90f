/** The named points of the kit's messaging, as its diagnostics channels are called. */
export const POINTS = [
  'fledge.messaging.before-commit',
  'fledge.messaging.after-commit',
  'fledge.messaging.after-send',
  'fledge.messaging.after-accept',
  'fledge.messaging.after-handle',
  'fledge.messaging.after-handled',
] as const;

/** A named point. */
export type Point = (typeof POINTS)[number];

/** What the lab tells the agent in a service to do. */
export type AgentOrder =
  /** Ends or freezes the process when it has come to a point so many times more. */
  | { readonly at: Point; readonly after: number; readonly signal: 'SIGKILL' | 'SIGSTOP' }
  /** Fails so many of the next commits as PostgreSQL does when transactions conflict: nothing is stored. */
  | { readonly conflicts: number }
  /** Lets so many of the next commits be stored and loses the answer with the connection. */
  | { readonly lostCommits: number }
  /** Takes every free connection of every pool for a time. */
  | { readonly exhaustMs: number }
  /** Sets the process's clock beside the machine's, in milliseconds. */
  | { readonly clockMs: number }
  | PoisonOrder
  /** Forgets what was ordered and did not come about. */
  | { readonly disarm: true };

/**
 * Ends the process whenever it writes a row for an order into a table: the message that asks for it kills whoever
 * handles it.
 */
export interface PoisonOrder {
  readonly table: string;
  readonly orderId: string;
}

/** The environment variable by which a process is told, from its start, what is poisoned: a `PoisonOrder` as JSON. */
export const POISON_VARIABLE = 'FLEDGE_LAB_POISON';

/** What the agent says back, a line of JSON each, before it acts. */
export interface AgentReport {
  readonly did: 'SIGKILL' | 'SIGSTOP' | 'poisoned' | 'conflict' | 'lost-commit' | 'exhaust';
  readonly at?: Point;
}

/** The file descriptor that reports are written to: a write to it is done before the process is stopped. */
export const REPORT_FD = 4;
