import type { ModuleMetadata, Type } from '@nestjs/common';
import { checkedModuleSpec } from '../bus/index.js';
import type { Class, Contract } from '../contract/index.js';
import type { PlatformName, ProblemMode } from '../http/index.js';
import type { TransportKind } from '../transport/index.js';
import type { NestHooks } from './nest-hooks.js';

/** Whether each handler and each route must have a declared rule; see `Application.access`. */
export type AccessMode = 'declared' | 'open';

/** A module of an application: its contract, known everywhere, and its code, loaded only where it is hosted. */
export interface ModuleEntry {
  readonly contract: Contract;
  /** Imports the module's package: `() => import('@shop/inventory').then((m) => m.InventoryModule)`. */
  readonly load: () => Promise<Type>;
  /** Configures the Nest application of this module, after the hooks of the whole application. Default: nothing. */
  readonly nest?: NestHooks;
}

/** Returns the `imports` of one bounded module, whose name it gets: modules of Nest, as in `@Module`. */
export type SharedImports = (module: string) => NonNullable<ModuleMetadata['imports']>;

/**
 * Lists modules by their classes: `modules: modulesOf(UsersModule, TagsModule)`. Every process then loads the code of
 * all of them, whichever it hosts.
 * @throws StartupError for a class without `@BoundedModule`, or one that breaks its boundary.
 */
export function modulesOf(...classes: readonly Type[]): ModuleEntry[] {
  return classes.map((cls) => ({ contract: checkedModuleSpec(cls).contract, load: () => Promise.resolve(cls) }));
}

/** All modules of an application. The only place that imports module classes. */
export interface Application {
  readonly name: string;
  /**
   * Semantic version of the deployment, as `nats micro ls` shows it. Default: that of the package.json nearest above
   * the entry file.
   */
  readonly version?: string;
  readonly modules: readonly ModuleEntry[];
  /**
   * The class of the values that cross every boundary besides the user's identity, such as the tenant and the locale.
   * Its fields are optional and have decorators of class-validator. See `setContext`. Default: none.
   */
  readonly context?: Class;
  /**
   * Returns the Nest modules that every bounded module needs, such as `ConfigModule.forRoot()`. Their exports can be
   * injected everywhere in each bounded module. The function is called for each bounded module that a process hosts;
   * each gets instances of its own, so nothing is shared between bounded modules. Default: none.
   */
  readonly imports?: SharedImports;
  /**
   * Whether Nest records the graph of each module's providers, for `@nestjs/devtools-integration`: `snapshot` of
   * `NestFactory.create`. It makes the start slower. Default false.
   */
  readonly snapshot?: boolean;
  /** Transports besides `local` and `nats`, that topology files can select by name. Default: none. */
  readonly transports?: readonly TransportKind[];
  /** Configures the Nest application of every module, as `main.ts` does in one without Fledge. Default: nothing. */
  readonly nest?: NestHooks;
  /**
   * The HTTP platform of Nest, for all modules. `express` needs the package `@nestjs/platform-express`; the hooks of
   * `nest` then get a `NestExpressApplication`. Default `fastify`.
   */
  readonly platform?: PlatformName;
  /**
   * How an `HttpException` is answered: `always` as a problem (RFC 9457), with the fields of its body under `data`;
   * `own` as Nest does, so that clients of an application that was there before see what they saw. Errors of the kit and
   * of contracts are problems in both. Default `always`.
   */
  readonly problems?: ProblemMode;
  /**
   * Whether each command, query, pattern and route must have a declared rule that says who may use it: `declared`
   * refuses to start without, and names what has none; `open` starts, and lets everybody use what has none. Rules that
   * are there hold in both. Default `declared` for `runApplication` and `testApplication`; a `Host` that is made by hand
   * checks it only where the application says `declared`.
   */
  readonly access?: AccessMode;
}
