import type { Catalogue, CompiledMessage, ModuleClient, ModuleServer } from '../boundary/index.js';

/*
 * How the host and the kit's parts for `@nestjs/microservices` find each other: by these keys alone, since that package
 * is an optional peer, which the host must not import.
 */

/** The key of a `PatternServer`. */
export const ANSWERS_PATTERNS = Symbol.for('fledge.answers-patterns');
/** The key of a `ModuleCaller`. */
export const CALLS_MODULES = Symbol.for('fledge.calls-modules');

/** A transport strategy of Nest whose handlers are called through the boundary of their module. */
export interface PatternServer {
  /** Sets the module for which it answers. Called before it listens. */
  [ANSWERS_PATTERNS](server: ModuleServer): void;
}

/** A client proxy of Nest that calls other modules. */
export interface ModuleCaller {
  /** Sets the module that is the caller. The host calls it when the providers of the module exist. */
  [CALLS_MODULES](port: CallingModule): void;
}

/** How a module, or an application without modules, calls modules. */
export interface CallingModule {
  readonly caller: string;
  readonly catalogue: Catalogue;
  /** @throws UndeclaredDependency for a message of a module that the caller may not call. */
  clientOf(message: CompiledMessage): ModuleClient;
}
