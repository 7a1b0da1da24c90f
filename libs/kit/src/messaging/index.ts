export { messagingImports } from './messaging-imports.js';
export { ModuleMessaging, refuseUnstored, type ModuleMessagingOptions } from './module-messaging.js';
export {
  DeadLetters,
  NoDeadLetter,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterState,
  type DeadLetterSummary,
} from './operations/dead-letters.js';
export { ForeignEvent, NoOpenTransaction } from './outbox/outbox-errors.js';
export {
  listRuns,
  Processes,
  resumeRun,
  showRun,
  type PendingTimer,
  type RunDetails,
  type RunFilter,
  type RunSummary,
} from './operations/processes.js';
export { SILENCE_MS } from './replicas/membership.js';
export { MESSAGING_MIGRATIONS } from './storage/schema.js';
export { type Sql, sqlOf } from './storage/sql.js';
export { RETENTION_DEFAULT, type Retention } from './operations/retention.js';
export { overview, type ConsumerState, type OutboxState, type Overview } from './operations/overview.js';
