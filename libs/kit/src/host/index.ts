export { modulesOf, type AccessMode, type Application, type ModuleEntry, type SharedImports } from './application.js';
export { withAccessDeclared } from './declared-access.js';
export {
  Host,
  type DrainOptions,
  type HostOptions,
  type HostParts,
  type HttpOptions,
  type DatabaseOptions,
} from './host.js';
export type { ProductionChecked, ProductionFinding } from './production.js';
export { Secret } from './secret-setting.js';
export type { NestHook, NestHooks } from './nest-hooks.js';
export { checkAgainstApplication, knownTo } from './check-topology.js';
export { chooseTransport } from './choose-transport.js';
export type { LoadedModule } from './load-modules.js';
export { createContainer, type ContainerOptions, type ModuleContainer } from './module-container.js';
export { checkSettings, type ModuleSettings, type SettingProblem, SettingsError } from './module-settings.js';
export { runApplication } from './run-application.js';
export { ReadinessCheck, type ReadinessCheckOptions } from './readiness-check.js';
export type { Degradation, Obstacle, Readiness } from './readiness.js';
export { QuietLogger } from './quiet-logger.js';
export { systemGraph, type OperatedTopology } from './operate-nats.js';
