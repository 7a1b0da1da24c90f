/**
 * The kit: everything that a module's `src/` and an application import. Contracts import `@fledge/kit/contract`, tests
 * `@fledge/kit/testing`.
 * @packageDocumentation
 */
export {
  contextOf,
  ContextRefused,
  currentCall,
  setContext,
  withCallOptions,
  withContext,
  type CallOptions,
  type ContextChange,
  type CurrentCall,
  type Identity,
} from './boundary/index.js';
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
  type NestHook,
  type NestHooks,
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
  type ProblemMode,
} from './http/index.js';
export {
  Consumer,
  Continues,
  DeadLetters,
  ForeignEvent,
  NoDeadLetter,
  NoOpenTransaction,
  OnTimer,
  Process,
  Processes,
  Singleton,
  Starts,
  type ConsumerOptions,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterState,
  type DeadLetterSummary,
  type FailedAttempt,
  type Happening,
  type HistoryEntry,
  type MethodOf,
  type PendingTimer,
  type ProcessOptions,
  type Retention,
  type Run,
  type RunDetails,
  type RunFilter,
  type RunStatus,
  type RunSummary,
  type SingletonOptions,
  type StateClass,
} from './messaging/index.js';
export type { CallMetrics } from './observe/index.js';
export { Authentication, CurrentUser, identify, IdentityRefused, Public, Roles } from './security/index.js';
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
