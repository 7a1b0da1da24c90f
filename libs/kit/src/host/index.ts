export type { Application, ModuleEntry } from './application.js';
export { Host, type DrainOptions, type HostOptions, type HttpOptions } from './host.js';
export { MODULE_SETTINGS, type ModuleSettings } from './module-settings.js';
export { EXIT_CONFIG, runApplication } from './run-application.js';
export { QuietLogger } from './quiet-logger.js';
