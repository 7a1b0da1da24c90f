import { createServer } from 'node:http';
import { type DynamicModule, type LoggerService, Module, type NestApplicationOptions, type Type } from '@nestjs/common';
import { APP_FILTER, ModulesContainer, NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Catalogue, CompiledMessage, ModuleServer, ModuleClient } from '../boundary/index.js';
import {
  attachBuses,
  bindHandlers,
  boundedModuleSpec,
  type BoundedModuleSpec,
  guardEventBuses,
  inContainer,
  clientsOf,
} from '../bus/index.js';
import { StartupError } from '../contract/index.js';
import {
  BodyTypes,
  openRequestContexts,
  ProblemFilter,
  type ProblemMode,
  refuseUnroutable,
  RequestValidation,
  type RequestHandler,
} from '../http/index.js';
import { ModuleSettingsModule } from './module-settings.js';
import { type NestHooks, runAfterInit, runBeforeInit } from './nest-hooks.js';

/** The parts of a container. */
export interface ContainerOptions {
  readonly cls: Type;
  readonly spec: BoundedModuleSpec;
  readonly catalogue: Catalogue;
  readonly moduleServer: ModuleServer;
  readonly moduleClient: (message: CompiledMessage) => ModuleClient;
  /** The dynamic modules of the data room; empty for a module without tables. */
  readonly dataImports: readonly DynamicModule[];
  /** The validated instance of the module's settings class, if it has one. */
  readonly settings: object | undefined;
  readonly bodyMaxBytes: number;
  readonly requestTimeoutMs: number;
  readonly logger: LoggerService | false;
  /** In the order in which they run. */
  readonly hooks?: readonly NestHooks[];
  readonly problems?: ProblemMode;
  /**
   * How Nest creates the application; default `NestFactory`. A test creates it with `@nestjs/testing`, which can
   * override providers.
   */
  readonly create?: (
    root: DynamicModule,
    adapter: FastifyAdapter,
    options: NestApplicationOptions,
  ) => Promise<NestFastifyApplication>;
}

/** A module in its own Nest application, wired to the boundary, and how HTTP requests reach it. */
export interface ModuleContainer {
  readonly app: NestFastifyApplication;
  /** Runs the lifecycle hooks and prepares the routes. */
  readonly init: () => Promise<void>;
  readonly handleRequest: RequestHandler;
}

@Module({})
class ContainerRoot {}

/**
 * Creates the Nest application of one bounded module: a separate container, so that nothing in it can be injected into,
 * exported to or looked up from another module. Providers exist when this resolves; lifecycle hooks have not run.
 */
export async function createContainer(options: ContainerOptions): Promise<ModuleContainer> {
  const { cls, spec, moduleServer, hooks = [] } = options;
  const module = spec.contract.name;
  let route: RequestHandler | undefined;
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyMaxBytes,
    // its types belong to the kit's version of Fastify; Nest's adapter may have another
    frameworkErrors: refuseUnroutable as never,
    // The host's listener owns the socket. This server satisfies Fastify, and listens only if a test asks it to, as
    // supertest does with `app.getHttpServer()`.
    serverFactory: (handler: RequestHandler) => {
      route = handler;
      return createServer(handler);
    },
  });
  const settings = spec.settings && options.settings ? [ModuleSettingsModule.of(spec.settings, options.settings)] : [];
  const root: DynamicModule = {
    module: ContainerRoot,
    // Nest tries the filter that was added last first: this one, which catches everything, must be added before a
    // module's own APP_FILTER.
    providers: [{ provide: APP_FILTER, useValue: new ProblemFilter(options.problems) }],
    imports: [CqrsModule.forRoot(), ...settings, ...options.dataImports, cls],
  };
  // Before Nest adds its own hooks, so that middleware also runs in the context of its request.
  openRequestContexts(adapter.getInstance(), module, options.requestTimeoutMs);
  refuseForeignRoutes(adapter.getInstance(), spec);
  const bodyTypes = new BodyTypes(adapter.getInstance());
  const create = options.create ?? createByFactory;
  // `rawBody`: a controller may verify a webhook's signature, which covers the bytes of the body.
  const app = await inContainer(() =>
    create(root, adapter, {
      logger: options.logger,
      abortOnError: false,
      bufferLogs: false,
      rawBody: true,
    }),
  );
  refuseForeignModules(app, cls);
  const validates = await runBeforeInit(app, module, hooks).catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  if (!validates) app.useGlobalPipes(new RequestValidation());
  bodyTypes.noteAsked();
  attachBuses(app, module, clientsOf(module, spec.uses, options.catalogue, options.moduleClient), options.catalogue);
  bindHandlers(app, moduleServer);
  return {
    app,
    init: async () => {
      guardEventBuses(app, module);
      await app.init();
      bodyTypes.dropOthers();
      await runAfterInit(app, module, hooks);
      await adapter.getInstance().ready();
    },
    handleRequest: (request, response) => route?.(request, response),
  };
}

function createByFactory(
  root: DynamicModule,
  adapter: FastifyAdapter,
  options: NestApplicationOptions,
): Promise<NestFastifyApplication> {
  return NestFactory.create<NestFastifyApplication>(root, adapter, options);
}

/**
 * Covers what static checks cannot see, such as a module from a promise or a factory: no other bounded module may be in
 * the container.
 */
function refuseForeignModules(app: NestFastifyApplication, cls: Type): void {
  for (const { metatype } of app.get(ModulesContainer).values()) {
    if (metatype !== cls && boundedModuleSpec(metatype)) {
      throw new StartupError(
        'module-import',
        `the container of ${cls.name} holds the bounded module ${metatype.name}`,
        'Name its contract in `uses` instead of importing it.',
      );
    }
  }
}

/**
 * Each route must be on a path that its module's contract owns; otherwise a front door could not route to it. Checks
 * routes as they are registered, with global prefix and version. Call it before Nest adds any.
 */
function refuseForeignRoutes(fastify: FastifyInstance, { contract: { name, routes } }: BoundedModuleSpec): void {
  fastify.addHook('onRoute', ({ method, url }) => {
    // the answer to preflights of any path
    if (url === '*') return;
    const path = `/${url.replace(/^\/+|\/+$/g, '')}`;
    if (routes.some((route) => path === route || path.startsWith(`${route}/`))) return;
    throw new StartupError(
      'route-outside',
      `${name} serves '${[method].flat().join(', ')} ${path}', which its contract does not own`,
      `Add the prefix to \`routes\` of the contract of ${name}: ${JSON.stringify(routes)}. They are whole paths, with the global prefix and the version.`,
    );
  });
}
