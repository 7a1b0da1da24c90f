import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  type DynamicModule,
  Logger,
  type LoggerService,
  Module,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, ModulesContainer, NestFactory } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Catalogue, CompiledMessage, ModuleServer, ModuleClient, Tracing } from '../boundary/index.js';
import {
  attachBuses,
  attachCallers,
  bindHandlers,
  boundedModuleSpec,
  type BoundedModuleSpec,
  guardEventBuses,
  inContainer,
  clientsOf,
  methodHandlersOf,
  type ModuleClients,
} from '../bus/index.js';
import { routeKey, StartupError, UndeclaredDependency } from '../contract/index.js';
import {
  expressPlatform,
  fastifyPlatform,
  type HttpPlatform,
  PathOwners,
  type PlatformName,
  type PlatformOptions,
  ProblemFilter,
  type ProblemMode,
  refusesUnknownFields,
  type RequestHandler,
  type RequestMeter,
  RequestValidation,
  type UpgradeHandler,
} from '../http/index.js';
import { type KeyTrust, keyTrustModule } from '../security/index.js';
import type { CallingModule } from '../transport/index.js';
import { Gateways } from './gateways.js';
import { Microservices } from './microservices.js';
import { ModuleSettingsModule } from './module-settings.js';
import type { SharedImports } from './application.js';
import { sharedModule } from './shared-module.js';
import { type NestHooks, runAfterInit, runBeforeInit } from './nest-hooks.js';
import { runMessagesInContext } from './socket-context.js';

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
  readonly trustedProxies?: readonly string[] | undefined;
  readonly logger: LoggerService | false;
  readonly imports?: SharedImports | undefined;
  readonly snapshot?: boolean | undefined;
  /** In the order in which they run. */
  readonly hooks?: readonly NestHooks[];
  readonly problems?: ProblemMode;
  readonly platform?: PlatformName | undefined;
  /** Default: no spans. */
  readonly tracing?: Tracing | undefined;
  readonly meter?: RequestMeter | undefined;
  /** Default: where keys for users' tokens come from is not verified. */
  readonly keyTrust?: KeyTrust | undefined;
  /**
   * How Nest creates the application; default `NestFactory`. A test creates it with `@nestjs/testing`, which can
   * override providers.
   */
  readonly create?: (
    root: DynamicModule,
    adapter: HttpPlatform['adapter'],
    options: NestApplicationOptions,
  ) => Promise<NestFastifyApplication>;
}

/** A module in its own Nest application, wired to the boundary, and how HTTP requests reach it. */
export interface ModuleContainer {
  readonly app: NestFastifyApplication;
  /** Runs the lifecycle hooks, and prepares the routes and the handlers of patterns. */
  readonly init: () => Promise<void>;
  /** Starts and ends the transports of Nest's microservices that hooks connected. */
  readonly microservices: Pick<Microservices, 'listen' | 'drain'>;
  readonly handleRequest: RequestHandler;
  /** Takes WebSocket connections on the paths of the module. Undefined if nothing in it does, or before `init`. */
  readonly handleUpgrade: UpgradeHandler | undefined;
  /** The WebSocket gateways of the module, if it has some; from `init` on. */
  readonly gateways: Gateways | undefined;
}

const logger = new Logger('host');

@Module({})
class ContainerRoot {}

/**
 * Creates the Nest application of one bounded module: a separate container, so that nothing in it can be injected into,
 * exported to or looked up from another module. Providers exist when this resolves; lifecycle hooks have not run.
 */
export async function createContainer(options: ContainerOptions): Promise<ModuleContainer> {
  const { cls, spec, hooks = [] } = options;
  const module = spec.contract.name;
  const checkPath = pathCheckOf(options);
  const platform = await platformOf(options, checkPath);
  const { adapter } = platform;
  const settings = spec.settings && options.settings ? [ModuleSettingsModule.of(spec.settings, options.settings)] : [];
  const shared = options.imports ? [await sharedModule(options.imports, module)] : [];
  const trust = options.keyTrust ? [keyTrustModule(options.keyTrust)] : [];
  const root: DynamicModule = {
    module: ContainerRoot,
    // Nest tries the filter that was added last first: this one, which catches everything, must be added before a
    // module's own APP_FILTER.
    providers: [{ provide: APP_FILTER, useValue: new ProblemFilter(options.problems) }],
    imports: [CqrsModule.forRoot(), ...trust, ...settings, ...shared, ...options.dataImports, cls],
  };
  const create = options.create ?? createByFactory;
  // `rawBody`: a controller may verify a webhook's signature, which covers the bytes of the body.
  const app = await inContainer(() =>
    create(root, adapter, {
      logger: options.logger,
      abortOnError: false,
      bufferLogs: false,
      rawBody: true,
      // Fastify's parsers are those of Nest; Express gets the kit's
      ...(options.platform === 'express' && { bodyParser: false }),
      ...(options.snapshot === true && { snapshot: true }),
    }),
  );
  const microservices = await wired(app, platform, options).catch(async (error: unknown) => {
    // what its providers have opened would be left; the reason of the failure counts more than one of the closing
    await app.close().catch((failure: unknown) => logger.error(`${module} did not close: ${String(failure)}`));
    throw error;
  });
  const server = app.getHttpServer() as Server;
  let gateways: Gateways | undefined;
  return {
    app,
    init: async () => {
      guardEventBuses(app, module);
      gateways = await Gateways.of(app, module, (path) => checkPath(['WebSocket'], path));
      await app.init();
      gateways?.checkAttached();
      platform.routed();
      await runAfterInit(app, module, hooks);
      await microservices.answerPatterns();
      await platform.ready();
    },
    microservices,
    handleRequest: platform.handleRequest,
    get gateways() {
      return gateways;
    },
    get handleUpgrade() {
      return server.listenerCount('upgrade') === 0
        ? undefined
        : (request: IncomingMessage, socket: Socket, head: Buffer) => {
            if (gateways?.serve(request.url) !== true) runMessagesInContext(socket, request, module);
            server.emit('upgrade', request, socket, head);
          };
    },
  };
}

/** Runs the hooks, and connects the module to the boundary. */
async function wired(
  app: NestFastifyApplication,
  platform: HttpPlatform,
  options: ContainerOptions,
): Promise<Microservices> {
  const { cls, spec, moduleServer, catalogue, hooks = [] } = options;
  const module = spec.contract.name;
  refuseForeignModules(app, cls);
  if (!(await runBeforeInit(app, module, hooks))) {
    app.useGlobalPipes(new RequestValidation());
    refusesUnknownFields(app);
  }
  platform.configured();
  const methods = methodHandlersOf(app);
  const clients = clientsOf(module, spec.uses, catalogue, options.moduleClient);
  attachBuses(app, module, clients, catalogue, methods);
  attachCallers(app, callingModule(options, clients));
  moduleServer.allowOthers(spec.contract.access);
  const microservices = new Microservices(app, moduleServer);
  bindHandlers(app, moduleServer, methods);
  return microservices;
}

/** How a module calls others by another client than its buses: with the same clients, and by patterns. */
function callingModule({ spec, catalogue, moduleClient }: ContainerOptions, clients: ModuleClients): CallingModule {
  const caller = spec.contract.name;
  const callable = new Set(spec.uses.map(({ name }) => name));
  return {
    caller,
    catalogue,
    clientOf: (message) => {
      if (!callable.has(message.module)) throw new UndeclaredDependency(caller, message.name);
      // all patterns have one class, which no contract lists
      return clients.get(message.cls) ?? moduleClient(message);
    },
  };
}

function createByFactory(
  root: DynamicModule,
  adapter: HttpPlatform['adapter'],
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

/** Refuses a path that the module is to serve, and whose requests would not reach it. @throws StartupError */
function pathCheckOf({ spec, catalogue }: ContainerOptions): PlatformOptions['onRoute'] {
  const { name: module } = spec.contract;
  // of all modules: another one's longer path with a parameter takes requests from a shorter one
  const owners = new PathOwners<string>();
  for (const contract of catalogue.contracts) for (const route of contract.routes) owners.set(route, contract.name);
  return (methods, path) => {
    const owner = owners.of(routeKey(path));
    if (owner !== module) throw foreignRoute(spec, methods, path, owner);
  };
}

async function platformOf(
  { spec, bodyMaxBytes, requestTimeoutMs, trustedProxies, tracing, meter, platform = 'fastify' }: ContainerOptions,
  onRoute: PlatformOptions['onRoute'],
): Promise<HttpPlatform> {
  const options = {
    module: spec.contract.name,
    bodyMaxBytes,
    requestTimeoutMs,
    trustedProxies,
    tracing,
    meter,
    onRoute,
  };
  if (platform === 'fastify') return fastifyPlatform(options);
  if (platform === 'express') return expressPlatform(options);
  throw new StartupError(
    'platform',
    `the application says platform: ${JSON.stringify(platform)}`,
    "Use 'fastify' or 'express'; default 'fastify'.",
  );
}

/**
 * Each route must be on a path that its module's contract owns, with global prefix and version; otherwise a front door
 * could not route to it.
 */
function foreignRoute(
  { contract: { name, routes } }: BoundedModuleSpec,
  methods: readonly string[],
  path: string,
  owner: string | undefined,
): StartupError {
  const served = `${name} serves '${methods.join(', ')} ${path}'`;
  if (owner !== undefined)
    return new StartupError(
      'route-outside',
      `${served}, whose requests go to ${owner} by the \`routes\` of its contract`,
      `Choose another path, or let ${owner} serve it.`,
    );
  return new StartupError(
    'route-outside',
    `${served}, which its contract does not own`,
    `Add the prefix to \`routes\` of the contract of ${name}: ${JSON.stringify(routes)}. They are whole paths, with the global prefix and the version.`,
  );
}
