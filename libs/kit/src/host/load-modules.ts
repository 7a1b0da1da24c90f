import type { Type } from '@nestjs/common';
import { type BoundedModuleSpec, checkedModuleSpec } from '../bus/index.js';
import { StartupError } from '../contract/index.js';
import type { Application } from './application.js';
import type { NestHooks } from './nest-hooks.js';
import { checkSettings, type ModuleSettings, SettingsError } from './module-settings.js';

/** A module whose code is loaded and whose settings are checked. */
export interface LoadedModule {
  readonly cls: Type;
  readonly spec: BoundedModuleSpec;
  /** An instance of `spec.settings`, if the module has settings. */
  readonly settings: object | undefined;
  /** The hooks of this module alone. */
  readonly nest: NestHooks | undefined;
}

/**
 * Loads the code of some modules of an application. Starts nothing, and checks the settings of all before it throws.
 * @throws SettingsError for settings, StartupError for an unknown module, or one that breaks its boundary.
 */
export async function loadModules(
  application: Application,
  names: readonly string[],
  settings: Readonly<Record<string, ModuleSettings>> = {},
): Promise<readonly LoadedModule[]> {
  checkProblems(application);
  const loaded = [];
  for (const name of names) {
    const { cls, spec, nest } = await loadModule(application, name);
    loaded.push({ cls, spec, nest, ...checkSettings(spec, settings[name] ?? {}) });
  }
  const problems = loaded.flatMap((module) => module.problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return loaded.map(({ cls, spec, nest, instance }) => ({ cls, spec, nest, settings: instance }));
}

function checkProblems({ name, problems }: Application): void {
  if (problems === undefined || problems === 'always' || problems === 'own') return;
  throw new StartupError(
    'problems',
    `the application ${name} says problems: ${JSON.stringify(problems)}`,
    "Use 'always' or 'own'; default 'always'.",
  );
}

/** Loads the code of one module. @throws StartupError if the application has none, or it breaks its boundary. */
export async function loadModule(
  { name: application, modules }: Application,
  name: string,
): Promise<Pick<LoadedModule, 'cls' | 'spec' | 'nest'>> {
  const entry = modules.find((m) => m.contract.name === name);
  if (!entry)
    throw new StartupError(
      'unknown-module',
      `the application ${application} has no module '${name}'`,
      `It has: ${modules.map((m) => m.contract.name).join(', ')}.`,
    );
  const cls = await entry.load();
  const spec = checkedModuleSpec(cls);
  if (spec.contract !== entry.contract) {
    throw new StartupError(
      'contract-differs',
      `the list of modules names the contract '${name}' for ${cls.name}, whose @BoundedModule names '${spec.contract.name}'`,
      'Name the same contract in both.',
    );
  }
  return { cls, spec, nest: entry.nest };
}
