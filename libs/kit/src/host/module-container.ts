import { createServer } from 'node:http';
import { type DynamicModule, type LoggerService, Module, type NestApplicationOptions, type Type } from '@nestjs/common';
import { MODULE_PATH, PATH_METADATA } from '@nestjs/common/constants.js';
import { APP_FILTER, ModulesContainer, NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Catalogue, CompiledMessage, ModuleServer, ModuleClient } from '../boundary/index.js';
import {
  attachBuses,
  bindHandlers,
  boundedModuleSpec,
  type BoundedModuleSpec,
  guardEventBuses,
  clientsOf,
} from '../bus/index.js';
import { StartupError } from '../contract/index.js';
import {
  acceptJsonOnly,
  openRequestContexts,
  ProblemFilter,
  refuseUnroutable,
  RequestValidation,
  type RequestHandler,
} from '../http/index.js';
import { ModuleSettingsModule } from './module-settings.js';

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
  const { cls, spec, moduleServer } = options;
  let route: RequestHandler | undefined;
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyMaxBytes,
    // its types belong to the kit's version of Fastify; Nest's adapter may have another
    frameworkErrors: refuseUnroutable as never,
    // The host's listener owns the socket; this server never listens, it only satisfies Fastify.
    serverFactory: (handler: RequestHandler) => {
      route = handler;
      return createServer();
    },
  });
  const settings = spec.settings && options.settings ? [ModuleSettingsModule.of(spec.settings, options.settings)] : [];
  const root: DynamicModule = {
    module: ContainerRoot,
    // Nest tries the filter that was added last first: this one, which catches everything, must be added before a
    // module's own APP_FILTER.
    providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
    imports: [CqrsModule.forRoot(), ...settings, ...options.dataImports, cls],
  };
  // Before Nest adds its own hooks, so that middleware also runs in the context of its request.
  openRequestContexts(adapter.getInstance(), spec.contract.name, options.requestTimeoutMs);
  const create = options.create ?? createByFactory;
  // `rawBody`: a controller may verify a webhook's signature, which covers the bytes of the body.
  const app = await create(root, adapter, {
    logger: options.logger,
    abortOnError: false,
    bufferLogs: false,
    rawBody: true,
  });
  refuseForeignModules(app, cls);
  refuseForeignRoutes(app, spec);
  app.useGlobalPipes(new RequestValidation());
  attachBuses(
    app,
    spec.contract.name,
    clientsOf(spec.contract.name, spec.uses, options.catalogue, options.moduleClient),
    options.catalogue,
  );
  bindHandlers(app, moduleServer);
  return {
    app,
    init: async () => {
      guardEventBuses(app, spec.contract.name);
      await app.init();
      acceptJsonOnly(adapter.getInstance());
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
 * Each controller must serve only paths that its module's contract owns; otherwise a front door could not route to it.
 */
function refuseForeignRoutes(app: NestFastifyApplication, spec: BoundedModuleSpec): void {
  const { name, routes } = spec.contract;
  const modules = app.get(ModulesContainer);
  for (const module of modules.values()) {
    const prefix = Reflect.getMetadata(MODULE_PATH + modules.applicationId, module.metatype) as string | undefined;
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      for (const path of prefix === undefined ? pathsOf(metatype) : listOf(prefix)) {
        if (!routes.some((route) => path === route || path.startsWith(`${route}/`))) {
          throw new StartupError(
            'route-outside',
            `${metatype.name} of ${name} serves '${path}', which its contract does not own`,
            `Add the prefix to \`routes\` of the contract of ${name}: ${JSON.stringify(routes)}.`,
          );
        }
      }
    }
  }
}

/** The paths of a controller without a RouterModule prefix: its own path or, if that is empty, those of its methods. */
function pathsOf(controller: object & { prototype?: object }): string[] {
  const own = listOf(Reflect.getMetadata(PATH_METADATA, controller));
  if (own.some((path) => path !== '/')) return own;
  const prototype = (controller.prototype ?? {}) as Record<string, unknown>;
  return (
    Object.getOwnPropertyNames(prototype)
      // the prototype's `constructor` is the controller, which has its own path
      .filter((name) => name !== 'constructor')
      .map((name) => Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown)
      .filter((method): method is object => typeof method === 'function' && Reflect.hasMetadata(PATH_METADATA, method))
      .flatMap((method) => listOf(Reflect.getMetadata(PATH_METADATA, method)))
  );
}

function listOf(path: unknown): string[] {
  const paths = Array.isArray(path) ? (path as string[]) : [typeof path === 'string' ? path : '/'];
  return paths.map((p) => `/${p.replace(/^\/+|\/+$/g, '')}`);
}
