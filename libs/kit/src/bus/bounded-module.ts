import { AsyncLocalStorage } from 'node:async_hooks';
import 'reflect-metadata';
import { type DynamicModule, type ForwardReference, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { EntitySchema, MigrationInterface } from 'typeorm';
import { type Contract, StartupError } from '../contract/index.js';
import { featureEntities } from './feature-entities.js';

/** What TypeORM takes for an entity. */
export type EntityClass = Type | EntitySchema;

/**
 * A stock Nest module's metadata without `exports` (a bounded module exports its contract), and what makes it bounded.
 */
export interface BoundedModuleOptions extends Omit<ModuleMetadata, 'exports'> {
  /** What other modules may know of this one. */
  readonly contract: Contract;
  /** The contracts of the modules that this one may call. Default none. */
  readonly uses?: readonly Contract[];
  /**
   * The TypeORM entities of this module's schema; their repositories can be injected. Those that `imports` names with
   * `TypeOrmModule.forFeature([…])`, as any Nest module does, are found without being named here. Default none.
   */
  readonly entities?: readonly EntityClass[];
  /** The TypeORM migrations of this module's schema, run when a host starts. Default none. */
  readonly migrations?: readonly Type<MigrationInterface>[];
  /**
   * What a topology file may say under `settings.<module>`: a class whose fields have class-validator's decorators, and
   * their defaults as initial values. A checked instance can be injected by it. Default: the module has no settings.
   */
  readonly settings?: Type<object>;
}

/** What the kit keeps of a bounded module. */
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
 * process or in many. It runs in a Nest container of its own, so nothing of it can be injected elsewhere.
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
        `For a test, start it by \`testModule(${name})\` of @fledge/kit/testing; else list it in the modules of an Application, which \`runApplication\` or a Host runs.`,
      );
    },
  };
}

/** What `@BoundedModule` was told of a class, if it is one. */
export function boundedModuleSpec(cls: object): BoundedModuleSpec | undefined {
  return Reflect.getOwnMetadata(BOUNDED, cls) as BoundedModuleSpec | undefined;
}

/**
 * Refuses, before a container is made, what would make a hole in the boundary: a class without `@BoundedModule`,
 * exports, and the import of another bounded module, however deep.
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
      'A bounded module exports nothing but its contract: make a command or query of what others need.',
    );
  }
  refuseBoundedImports(cls, cls, new Set());
  const providers = (Reflect.getMetadata('providers', cls) as unknown[] | undefined) ?? [];
  if (spec.settings && providers.includes(spec.settings)) {
    throw new StartupError(
      'settings-provided',
      `${cls.name} has ${spec.settings.name} among its providers, where it would not be what the topology file says`,
      'Name it in `settings` alone.',
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
  // A promise of a dynamic module is known only to Nest; the container check after creation covers it.
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
