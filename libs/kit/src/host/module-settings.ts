import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, ValidationTypes } from 'class-validator';
import { violationsOf } from '../boundary/index.js';
import type { BoundedModuleSpec } from '../bus/index.js';
import { StartupError, type Violation } from '../contract/index.js';
import { cureOfUnknown } from '../topology/index.js';

/** The settings of one module in the topology file; empty if it has none. */
export type ModuleSettings = Readonly<Record<string, unknown>>;

/** One problem in the settings of a module. */
export interface SettingProblem {
  readonly module: string;
  /** The setting, which may be missing. */
  readonly key: string;
  /** What is wrong. The value is shown only if it is a number or boolean as expected: any other may be a secret. */
  readonly fact: string;
  /** What to do. */
  readonly cure: string;
}

/** The settings of modules cannot be used. */
export class SettingsError extends StartupError {
  constructor(readonly problems: readonly SettingProblem[]) {
    super(
      'setting',
      problems.map(({ fact, cure }) => `${fact}. ${cure}`).join('\n'),
      'Correct the settings; nothing was started.',
      { problems },
    );
  }
}

/** The result of `checkSettings`. */
export interface CheckedSettings {
  /** An instance of the module's settings class; `undefined` for a module without settings. */
  readonly instance: object | undefined;
  readonly problems: readonly SettingProblem[];
}

/**
 * Checks the settings of a module against its class. A missing setting gets its default, and so does an empty string,
 * which stands for an unset environment variable; this also holds for nested settings that have a default.
 * @throws StartupError if a field of the class has no check, or an asynchronous one: settings are checked before
 * anything starts.
 */
export function checkSettings(
  { contract, settings }: Pick<BoundedModuleSpec, 'contract' | 'settings'>,
  given: ModuleSettings,
): CheckedSettings {
  return checkAgainst(settings, given, contract.name, `settings.${contract.name}`);
}

/** Like `checkSettings`, for anything with settings; `section` is where they are in a topology file. */
export function checkAgainst(
  Settings: (new () => object) | undefined,
  given: ModuleSettings,
  module: string,
  section: string,
): CheckedSettings {
  const known = Settings ? keysOf(new Settings()) : [];
  const pathOf = (key: string): string => `${section}.${key}`;
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  const problems: SettingProblem[] = unknown.map((key) => ({
    module,
    key,
    fact: `unknown key '${pathOf(key)}'`,
    cure: known.length > 0 ? cureOfUnknown(key, known) : `'${module}' has no settings`,
  }));
  if (!Settings) return { instance: undefined, problems };
  const defaults = new Settings() as ModuleSettings;
  const said = saidOf(Object.fromEntries(Object.entries(given).filter(([key]) => known.includes(key))), defaults);
  const instance = plainToInstance(Settings, said);
  // class-validator refuses objects without any rules
  if (known.length === 0) return { instance, problems };
  refuseUncheckable(instance);
  const violations = [
    ...violationsOf(validateSync(instance, { whitelist: true, forbidNonWhitelisted: true })),
    ...strayLists(instance, ''),
  ];
  for (const path of new Set(violations.map((violation) => violation.path))) {
    const broken = violations.filter((violation) => violation.path === path);
    const key = path.split(/[.[]/)[0] ?? '';
    if (broken.some(({ rule }) => rule === 'whitelistValidation'))
      problems.push({ module, key, fact: `unknown key '${pathOf(path)}'`, cure: 'Remove it, or correct its name' });
    else
      problems.push({
        module,
        key,
        fact: `${pathOf(path)} ${stateOf(said[key], path === key && typeof defaults[key] === typeof said[key])}`,
        cure: rulesOf(path, broken, defaults),
      });
  }
  return { instance, problems };
}

/** The settings of a class, as an instance with its defaults has them. */
function keysOf(defaults: object): string[] {
  const all = getMetadataStorage().getTargetValidationMetadatas(defaults.constructor, '', false, false);
  const keys = [...new Set(all.map(({ propertyName }) => propertyName))];
  const unchecked = Object.keys(defaults).filter((key) => !keys.includes(key));
  if (unchecked.length > 0)
    throw new StartupError(
      'settings-class',
      `${defaults.constructor.name} has fields without a check: ${unchecked.join(', ')}`,
      "Decorate them with class-validator's decorators.",
    );
  for (const part of Object.values(defaults)) if (isOfClass(part)) keysOf(part);
  return keys;
}

/** The given settings, without those that count as missing. */
function saidOf(given: ModuleSettings, defaults: ModuleSettings): Record<string, unknown> {
  const said = Object.entries(given).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return Object.fromEntries(
    said.map(([key, value]) => [
      key,
      isMap(value) && isOfClass(defaults[key]) ? saidOf(value, defaults[key] as ModuleSettings) : value,
    ]),
  );
}

function isMap(value: unknown): value is ModuleSettings {
  return (
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as null)
  );
}

/** Whether a value is an instance of a settings class, not a map, list or date. */
function isOfClass(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && !isMap(value) && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** The fields of an instance that contain nested settings. */
function partsOf(instance: object): { readonly property: string; readonly value: unknown; readonly isList: boolean }[] {
  const nested = getMetadataStorage()
    .getTargetValidationMetadatas(instance.constructor, '', false, false)
    .filter(({ type }) => type === ValidationTypes.NESTED_VALIDATION);
  return nested.map(({ propertyName }) => ({
    property: propertyName,
    value: (instance as ModuleSettings)[propertyName],
    isList: Reflect.getMetadata('design:type', instance, propertyName) === Array,
  }));
}

/** Finds lists in place of nested settings, which class-validator would accept item by item. */
function strayLists(instance: object, path: string): Violation[] {
  return partsOf(instance).flatMap(({ property, value, isList }) => {
    const at = `${path}${property}`;
    if (Array.isArray(value) && !isList)
      return [{ path: at, rule: 'type', message: `${property} must be a map, not a list` }];
    return [value]
      .flat()
      .flatMap((part, i) =>
        isOfClass(part) ? strayLists(part, Array.isArray(value) ? `${at}[${i}].` : `${at}.`) : [],
      );
  });
}

/**
 * Refuses what class-validator would silently accept: asynchronous checks, and nested settings without a known class.
 */
function refuseUncheckable(instance: object, seen = new Set<object>()): void {
  if (seen.has(instance)) return;
  seen.add(instance);
  const storage = getMetadataStorage();
  const { name } = instance.constructor;
  for (const { propertyName, constraintCls } of storage.getTargetValidationMetadatas(
    instance.constructor,
    '',
    false,
    false,
  )) {
    const found = storage.getTargetValidatorConstraints(constraintCls).find((check) => check.async);
    if (found)
      throw new StartupError(
        'settings-class',
        `${name}.${propertyName} has the asynchronous check ${found.name}`,
        'Check it where it is used, for example in onModuleInit.',
      );
  }
  for (const { property, value } of partsOf(instance)) {
    for (const part of [value].flat()) {
      if (isMap(part))
        throw new StartupError(
          'settings-class',
          `${name}.${property} has @ValidateNested, but no class`,
          'Add @Type(() => TheClass) to it.',
        );
      if (isOfClass(part)) refuseUncheckable(part, seen);
    }
  }
}

/**
 * @param isOfItsType whether the value has the type of the default: a number in place of a string may be a secret made
 * of digits.
 */
function stateOf(value: unknown, isOfItsType: boolean): string {
  if (value === undefined) return 'is not set';
  return isOfItsType && (typeof value === 'number' || typeof value === 'boolean') ? `is ${value}` : 'cannot be used';
}

/** class-validator's messages for a field, as one text; a custom message of the module stays as it is. */
function rulesOf(path: string, broken: readonly Violation[], defaults: Readonly<Record<string, unknown>>): string {
  const name = `${path.split('.').at(-1) ?? ''} `;
  const rules = broken.map(({ message }) => (message.startsWith(name) ? `It ${message.slice(name.length)}` : message));
  const standard = defaults[path];
  return `${[...new Set(rules)].toReversed().join('; ')}${typeof standard === 'number' || typeof standard === 'boolean' ? `; default ${standard}` : ''}`;
}

/** Makes a module's settings injectable in its container. */
@Global()
@Module({})
export class ModuleSettingsModule {
  /** For a module with settings: the class, and its checked instance. */
  static of(Settings: Type<object>, instance: object): DynamicModule {
    return {
      module: ModuleSettingsModule,
      providers: [{ provide: Settings, useValue: instance }],
      exports: [Settings],
    };
  }
}
