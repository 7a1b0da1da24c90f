/** What may keep a process from taking work: its start, its drain, the broker, the database of its modules. */
export type Obstacle = 'start' | 'drain' | 'broker' | 'database';

/** Whether a process takes work, and if not, why. */
export interface Readiness {
  readonly isReady: boolean;
  /** What it waits for; empty when it is ready. */
  readonly failed: readonly Obstacle[];
}
