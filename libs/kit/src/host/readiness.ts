/** What may keep a process from taking work: its start, its drain, the database of its modules. */
export type Obstacle = 'start' | 'drain' | 'database';

/** What a process may be without and still take work: the broker, which only what calls other modules needs. */
export type Degradation = 'broker';

/** Whether a process takes work, and if not, why. */
export interface Readiness {
  readonly isReady: boolean;
  /** What it waits for; empty when it is ready. */
  readonly failed: readonly Obstacle[];
  /** What it is without; empty when it can do all of its work. A balancer prefers replicas that are without nothing. */
  readonly degraded: readonly Degradation[];
}
