/**
 * The kit: what a module's `src/` and an application are written with. Contracts are written with
 * `@fledge/kit/contract`, tests with `@fledge/kit/testing`.
 * @packageDocumentation
 */
export { currentCall, withCallOptions, type CallOptions, type CurrentCall, type Identity } from './boundary/index.js';
export {
  BoundedModule,
  NoHandler,
  NotAMessage,
  type BoundedModuleOptions,
  type BusCall,
  type EntityClass,
} from './bus/index.js';
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './data/index.js';
export {
  Host,
  QuietLogger,
  runApplication,
  type Application,
  type Degradation,
  type DrainOptions,
  type HostOptions,
  type HttpOptions,
  type ModuleEntry,
  type ModuleSettings,
  type Obstacle,
  type Readiness,
  type SettingProblem,
  SettingsError,
} from './host/index.js';
export {
  decodeCursor,
  encodeCursor,
  Forbidden,
  InvalidRequest,
  PageRequest,
  Unauthenticated,
  type Problem,
} from './http/index.js';
export { Consumer, type ConsumerOptions } from './messaging/consumer.js';
export {
  DeadLetters,
  NoDeadLetter,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterState,
  type DeadLetterSummary,
} from './messaging/dead-letters.js';
export { ForeignEvent, NoOpenTransaction } from './messaging/outbox-errors.js';
export {
  Continues,
  OnTimer,
  Process,
  Starts,
  type MethodOf,
  type ProcessOptions,
  type Run,
  type StateClass,
} from './messaging/process/index.js';
export type { Happening, HistoryEntry } from './messaging/process/history.js';
export type { RunStatus } from './messaging/process/process-store.js';
export {
  Processes,
  type PendingTimer,
  type RunDetails,
  type RunFilter,
  type RunSummary,
} from './messaging/process/processes.js';
export type { FailedAttempt } from './messaging/consumer.js';
export type { Retention } from './messaging/retention.js';
export { Singleton, type SingletonOptions } from './messaging/singleton.js';
export type { CallMetrics } from './observe/index.js';
export { Authentication, CurrentUser, Public, Roles } from './security/index.js';
export {
  loadTopology,
  nearest,
  parseTopology,
  serviceNamed,
  TopologyError,
  type DatabaseSettings,
  type DrainSettings,
  type Environment,
  type HttpSettings,
  type KnownTransport,
  type LoadOptions,
  type NatsSettings,
  type Place,
  type RetentionSettings,
  type Service,
  type Topology,
  type TopologyProblem,
} from './topology/index.js';
export { LocalMessageLog, LocalTransport, type Transport, type TransportKind } from './transport/index.js';
