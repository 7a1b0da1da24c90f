/**
 * What may keep a process from accepting work: its start, its drain, the database of its modules, and a
 * `@ReadinessCheck` of a module, as `<module>.<name>`.
 */
export type Obstacle = 'start' | 'drain' | 'database' | `${string}.${string}`;

/**
 * What a process may lack and still accept work: the broker, which only calls to other modules need; a log of messages
 * that is configured as the topology says (`message-log`); and what a `@ReadinessCheck` found `degraded`, as
 * `<module>.<name>`.
 */
export type Degradation = 'broker' | 'message-log' | `${string}.${string}`;

/** Whether a process accepts work, and if not, why. */
export interface Readiness {
  readonly isReady: boolean;
  /** The reasons why it is not ready; empty if it is. */
  readonly failed: readonly Obstacle[];
  /** What it lacks; empty if it can do all of its work. A balancer prefers replicas that lack nothing. */
  readonly degraded: readonly Degradation[];
}
