import { Global, type DynamicModule, Module } from '@nestjs/common';

/** Injects what the topology file says under `settings.<module>`: `@Inject(MODULE_SETTINGS) settings: ModuleSettings`. */
export const MODULE_SETTINGS = Symbol.for('fledge:module-settings');

/** Settings of one module, as the topology file has them; empty when it has none. */
export type ModuleSettings = Readonly<Record<string, unknown>>;

/** Makes a module's settings injectable in its container. */
@Global()
@Module({})
export class ModuleSettingsModule {
  static of(settings: ModuleSettings): DynamicModule {
    return { module: ModuleSettingsModule, providers: [{ provide: MODULE_SETTINGS, useValue: settings }], exports: [MODULE_SETTINGS] };
  }
}
