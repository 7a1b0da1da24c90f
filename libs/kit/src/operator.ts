/**
 * What an operator's tools do with the messages of modules, over one plain connection to their database. It imports
 * single files of the rooms, not their indexes, so that a tool loads neither Nest nor TypeORM.
 * @packageDocumentation
 */
export { FledgeError, StartupError } from './contract/errors.js';
export { runningEmbeddedPostgres } from './data/embedded-postgres.js';
export { CONNECT_TIMEOUT_MS, hasCode, unreachable } from './data/module-database.js';
export {
  abandonDeadLetter,
  everyDeadLetter,
  listDeadLetters,
  NoDeadLetter,
  resendDeadLetters,
  showDeadLetter,
  type DeadLetter,
  type DeadLetterState,
  type DeadLetterSummary,
} from './messaging/operations/dead-letters.js';
export { ConsumerInUse, forgetConsumer } from './messaging/operations/forget-consumer.js';
export {
  COUNT_MAX,
  overview,
  type ConsumerState,
  type OutboxState,
  type Overview,
  type TimersState,
} from './messaging/operations/overview.js';
export { listRuns, resumeRun, showRun, type RunDetails, type RunSummary } from './messaging/operations/processes.js';
export { checkReplay, replay, type ReplaySpan } from './messaging/operations/replay.js';
export type { LineEvents, ModuleLine } from './data/module-line.js';
export type { Sql } from './messaging/storage/sql.js';
export { nearest } from './topology/nearest.js';
