export { Consumer, type ConsumerOptions, type FailedAttempt } from './consumers/consumer.js';
export { dataImportsOf, keepsData, migrationsOf, openDataOf } from './module-data.js';
export { ModuleMessaging, refuseUnstored, type ModuleMessagingOptions } from './module-messaging.js';
export {
  DeadLetters,
  NoDeadLetter,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterState,
  type DeadLetterSummary,
} from './operations/dead-letters.js';
export {
  messagesGivenUp,
  messagesInFlight,
  type MessageGivenUp,
  type MessageInFlight,
} from './operations/in-flight.js';
export { overview, type ConsumerState, type OutboxState, type Overview } from './operations/overview.js';
export {
  Processes,
  type PendingTimer,
  type RunDetails,
  type RunFilter,
  type RunSummary,
} from './operations/processes.js';
export { RETENTION_DEFAULT, type Retention } from './operations/retention.js';
export { ForeignEvent, NoOpenTransaction } from './outbox/outbox-errors.js';
export {
  Continues,
  OnTimer,
  Process,
  Starts,
  type MethodOf,
  type ProcessOptions,
  type StateClass,
} from './processes/decorators.js';
export type { Happening, HistoryEntry } from './processes/history.js';
export type { RunStatus } from './processes/process-store.js';
export type { Run } from './processes/run.js';
export { SILENCE_MS } from './replicas/membership.js';
export { Singleton, type CronOptions, type IntervalOptions, type SingletonOptions } from './singletons/singleton.js';
export type { MessageCounts } from './signals/message-counts.js';
export { claimSchema } from './storage/deployment.js';
export { type Sql, sqlOf } from './storage/sql.js';
