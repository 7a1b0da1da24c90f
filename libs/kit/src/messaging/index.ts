export { messagingImports } from './messaging-imports.js';
export { ModuleMessaging, refuseUnstored, type ModuleMessagingOptions } from './module-messaging.js';
export {
  DeadLetters,
  NoDeadLetter,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterState,
  type DeadLetterSummary,
} from './dead-letters.js';
export { ForeignEvent, NoOpenTransaction } from './outbox-errors.js';
export {
  listRuns,
  Processes,
  resumeRun,
  showRun,
  type PendingTimer,
  type RunDetails,
  type RunFilter,
  type RunSummary,
} from './process/processes.js';
export { SILENCE_MS } from './membership.js';
export { MESSAGING_MIGRATIONS } from './schema.js';
export { type Sql, sqlOf } from './sql.js';
export { RETENTION_DEFAULT, type Retention } from './retention.js';
export { overview, type ConsumerState, type OutboxState, type Overview } from './overview.js';
