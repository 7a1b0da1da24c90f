import { ValidationPipe } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { StartupError } from '../contract/index.js';
import { RequestLimits } from '../http/index.js';

/**
 * What the `main.ts` of a Nest application did with `app`: global prefix, versioning, CORS, pipes, filters, guards,
 * interceptors, body parsers, plugins, a logger. Each module has a Nest application of its own, in every topology, and
 * the hooks run for each that a process hosts.
 */
export interface NestHooks {
  /**
   * Runs when the providers of the module exist, before its lifecycle hooks and routes. A `ValidationPipe` given to
   * `app.useGlobalPipes` takes the place of the kit's. Paths of a global prefix and of versions are part of what the
   * contract's `routes` must own.
   */
  readonly beforeInit?: NestHook;
  /** Runs after the lifecycle hooks of the module, before it takes requests and calls. */
  readonly afterInit?: NestHook;
}

/** @param module the name of the module whose application it is. */
export type NestHook = (app: NestFastifyApplication, module: string) => void | Promise<void>;

/**
 * Runs the hooks before `init`, first those of the application, then those of the module.
 * @returns whether they gave the application a `ValidationPipe`.
 * @throws StartupError for a hook that fails, or does what is the host's to do.
 */
export async function runBeforeInit(
  app: NestFastifyApplication,
  module: string,
  hooks: readonly NestHooks[],
): Promise<boolean> {
  const given: unknown[] = [];
  const inHook = guarded(app, module, HOSTS_WORK, (pipes) => {
    // first of all, since a pipe of a hook may walk a body that is nested too deep
    if (given.length === 0) app.useGlobalPipes(new RequestLimits());
    given.push(...pipes);
  });
  await run(inHook, module, hooks, 'beforeInit');
  return given.some((pipe) => pipe instanceof ValidationPipe);
}

/** Runs the hooks after `init`. @throws StartupError for one that fails, or configures what is made by now. */
export function runAfterInit(app: NestFastifyApplication, module: string, hooks: readonly NestHooks[]): Promise<void> {
  return run(guarded(app, module, { ...HOSTS_WORK, ...TOO_LATE }), module, hooks, 'afterInit');
}

const BY_THE_HOST = 'Leave it out: the host does it for all modules of the process.';
const HOSTS_WORK: Readonly<Record<string, string>> = {
  listen: BY_THE_HOST,
  init: BY_THE_HOST,
  close: BY_THE_HOST,
  startAllMicroservices: BY_THE_HOST,
};

const BEFORE = 'Call it in beforeInit: the routes are made by now.';
const TOO_LATE: Readonly<Record<string, string>> = {
  setGlobalPrefix: BEFORE,
  enableVersioning: BEFORE,
  enableCors: BEFORE,
  useGlobalPipes: BEFORE,
  useGlobalFilters: BEFORE,
  useGlobalGuards: BEFORE,
  useGlobalInterceptors: BEFORE,
  useWebSocketAdapter: 'Call it in beforeInit: the gateways are connected by now.',
};

/**
 * The application as a hook sees it.
 * @param refused methods, each with what to do instead.
 */
function guarded(
  app: NestFastifyApplication,
  module: string,
  refused: Readonly<Record<string, string>>,
  onPipes?: (pipes: readonly unknown[]) => void,
): NestFastifyApplication {
  const inHook: NestFastifyApplication = new Proxy(app, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const cure = typeof name === 'string' && Object.hasOwn(refused, name) ? refused[name] : undefined;
      if (cure !== undefined) return refuse(module, String(name), cure);
      // the host drains first, and closes the application then, which runs the same lifecycle hooks
      if (name === 'enableShutdownHooks') return () => inHook;
      return (...args: unknown[]) => {
        if (name === 'useGlobalPipes') onPipes?.(args);
        const result: unknown = (value as (...all: unknown[]) => unknown).apply(target, args);
        // for what is chained
        return isApplication(result) ? inHook : result;
      };
    },
  });
  return inHook;
}

async function run(
  app: NestFastifyApplication,
  module: string,
  hooks: readonly NestHooks[],
  which: keyof NestHooks,
): Promise<void> {
  try {
    for (const hook of hooks) await hook[which]?.(app, module);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const failure = new StartupError(
      'nest-hook',
      `the hook '${which}' failed for ${module}: ${error instanceof Error ? error.message : String(error)}`,
      'Correct the hook in the list of modules. It runs for each module; its second argument says for which.',
      { module },
    );
    failure.cause = error;
    throw failure;
  }
}

/** Nest's methods that can be chained return the application, and not always through the same proxy. */
function isApplication(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'setGlobalPrefix' in value && 'useGlobalPipes' in value;
}

function refuse(module: string, method: string, cure: string): () => never {
  return () => {
    throw new StartupError('nest-hook', `a hook for ${module} calls app.${method}()`, cure, { module });
  };
}
