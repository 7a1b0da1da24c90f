import { AsyncLocalStorage } from 'node:async_hooks';
import 'reflect-metadata';
import { type DynamicModule, type ForwardReference, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { EntitySchema, MigrationInterface } from 'typeorm';
import { type Contract, StartupError } from '../contract/index.js';
import { featureEntities } from './feature-entities.js';

/** What TypeORM accepts as an entity. */
export type EntityClass = Type | EntitySchema;

/**
 * A stock Nest module's metadata without `exports` (a bounded module exports its contract), plus the options that make
 * it bounded.
 */
export interface BoundedModuleOptions extends Omit<ModuleMetadata, 'exports'> {
  /** What other modules may know of this one. */
  readonly contract: Contract;
  /** The contracts of the modules that this one may call. Default none. */
  readonly uses?: readonly Contract[];
  /**
   * The TypeORM entities of this module's schema; their repositories can be injected. Those in a
   * `TypeOrmModule.forFeature([…])` of `imports`, as in any Nest module, are found and need no entry here. Default
   * none.
   */
  readonly entities?: readonly EntityClass[];
  /** The TypeORM migrations of this module's schema, run when a host starts. Default none. */
  readonly migrations?: readonly Type<MigrationInterface>[];
  /**
   * The class of what a topology file may set under `settings.<module>`: its fields have class-validator decorators and
   * defaults as initial values. A validated instance can be injected by this class. Default: the module has no
   * settings.
   */
  readonly settings?: Type<object>;
}

/** What the kit records about a bounded module. */
export interface BoundedModuleSpec {
  readonly contract: Contract;
  readonly uses: readonly Contract[];
  readonly entities: readonly EntityClass[];
  readonly migrations: readonly Type<MigrationInterface>[];
  readonly settings?: Type<object> | undefined;
}

const BOUNDED = 'fledge:bounded-module';

/**
 * Declares a module with a boundary: a stock Nest module that other modules reach only through its contract, in one
 * process or in many. It runs in its own Nest container, so nothing of it can be injected elsewhere.
 */
export function BoundedModule(options: BoundedModuleOptions): ClassDecorator {
  const { contract, uses = [], entities = [], migrations = [], settings, ...metadata } = options;
  return (target) => {
    const imports =
      entities.length > 0 ? [TypeOrmModule.forFeature([...entities]), ...(metadata.imports ?? [])] : metadata.imports;
    Module({ ...metadata, imports: [onlyInContainer(target.name), ...(imports ?? [])] })(target);
    Reflect.defineMetadata(
      BOUNDED,
      { contract, uses, entities, migrations, settings } satisfies BoundedModuleSpec,
      target,
    );
  };
}

/** Whether a container of the kit is being made. */
const making = new AsyncLocalStorage<true>();

/** Runs the work in which Nest may look into bounded modules. */
export function inContainer<T>(work: () => T): T {
  return making.run(true, work);
}

@Module({})
class Container {}

/**
 * What a bounded module imports so that Nest refuses it anywhere else, before it makes a provider: without the kit its
 * buses would reach no other module, and its events would be lost.
 */
function onlyInContainer(name: string): ForwardReference {
  return {
    forwardRef: () => {
      if (making.getStore()) return Container;
      throw new StartupError(
        'not-in-host',
        `${name} is a bounded module, and is imported by a plain Nest application`,
        `For a test, start it by \`testModule(${name})\` of @fledge/kit/testing, or the whole application by \`testApplication(application).start()\`; else list it in the modules of an Application, which \`runApplication\` or a Host runs.`,
      );
    },
  };
}

/** The options that `@BoundedModule` got for a class, if it has the decorator. */
export function boundedModuleSpec(cls: object): BoundedModuleSpec | undefined {
  return Reflect.getOwnMetadata(BOUNDED, cls) as BoundedModuleSpec | undefined;
}

/**
 * Refuses, before a container is created, what would break the boundary: a class without `@BoundedModule`, exports, and
 * the direct or indirect import of another bounded module.
 */
export function checkedModuleSpec(cls: Type): BoundedModuleSpec {
  return inContainer(() => checked(cls));
}

function checked(cls: Type): BoundedModuleSpec {
  const spec = boundedModuleSpec(cls);
  if (!spec) {
    throw new StartupError(
      'not-bounded',
      `${cls.name} is listed as a module but has no @BoundedModule`,
      'Replace its @Module by @BoundedModule({ contract, … }).',
    );
  }
  const exported = (Reflect.getMetadata('exports', cls) as unknown[] | undefined) ?? [];
  if (exported.length > 0) {
    throw new StartupError(
      'module-export',
      `${cls.name} exports ${exported.map(nameOf).join(', ')}`,
      'A bounded module exports nothing but its contract: offer what others need as a command or query.',
    );
  }
  refuseBoundedImports(cls, cls, new Set());
  const providers = (Reflect.getMetadata('providers', cls) as unknown[] | undefined) ?? [];
  if (spec.settings && providers.includes(spec.settings)) {
    throw new StartupError(
      'settings-provided',
      `${cls.name} lists ${spec.settings.name} as a provider, which would replace the settings of the topology file`,
      'Name it only in `settings`.',
    );
  }
  return { ...spec, entities: [...new Set([...spec.entities, ...featureEntities(cls)])] };
}

type Import = Type | DynamicModule | ForwardReference | Promise<DynamicModule>;

function refuseBoundedImports(root: Type, at: Type, seen: Set<unknown>): void {
  if (seen.has(at)) return;
  seen.add(at);
  for (const imported of (Reflect.getMetadata('imports', at) as Import[] | undefined) ?? [])
    visit(root, imported, seen);
}

function visit(root: Type, imported: Import, seen: Set<unknown>): void {
  const cls = classOf(imported);
  // Only Nest can resolve a promise of a dynamic module; the check of the created container covers it.
  if (!cls) return;
  if (boundedModuleSpec(cls)) {
    throw new StartupError(
      'module-import',
      `${root.name} imports the bounded module ${cls.name}`,
      `Remove it from \`imports\`, name its contract in \`uses\`, and call it through CommandBus or QueryBus.`,
    );
  }
  refuseBoundedImports(root, cls, seen);
  for (const inner of (imported as DynamicModule).imports ?? []) visit(root, inner, seen);
}

function classOf(imported: Import): Type | undefined {
  if (typeof imported === 'function') return imported;
  if ('forwardRef' in imported) return (imported.forwardRef as () => Type)();
  return 'module' in imported ? imported.module : undefined;
}

function nameOf(token: unknown): string {
  return typeof token === 'function' ? token.name : String(token);
}
