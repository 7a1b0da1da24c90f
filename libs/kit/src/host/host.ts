import { type INestApplication, Logger, type LoggerService } from '@nestjs/common';
import { Registry } from 'prom-client';
import {
  Catalogue,
  type CompiledMessage,
  ContextReader,
  ModuleServer,
  ModuleClient,
  TracedClient,
  type Tracing,
} from '../boundary/index.js';
import type { BoundedModuleSpec } from '../bus/index.js';
import {
  BODY_MAX_DEFAULT_BYTES,
  type CallLimitsByModule,
  REQUEST_TIMEOUT_DEFAULT_MS,
  StartupError,
} from '../contract/index.js';
import { type DatabaseLogins, type ModuleDataSource, passingOutcome } from '../data/index.js';
import { HttpListener } from '../http/index.js';
import {
  claimSchema,
  dataImportsOf,
  keepsData,
  ModuleMessaging,
  type ModuleMessagingOptions,
  openDataOf,
  overview,
  refuseUnstored,
  type Retention,
  sqlOf,
} from '../messaging/index.js';
import {
  CallMetrics,
  expose,
  GuardMetrics,
  HandlingMetrics,
  MessageMetrics,
  openTracing,
  processMetrics,
  RequestMetrics,
} from '../observe/index.js';
import { proveKeySets, Trust, type TrustOptions } from '../security/index.js';
import type { Deployment, Transport } from '../transport/index.js';
import type { Application } from './application.js';
import { CallGuards } from './call-guards.js';
import { containRejections } from './contain-rejections.js';
import { DatabaseChecks } from './database-check.js';
import { refuseUndeclared } from './declared-access.js';
import { type LoadedModule, loadModules } from './load-modules.js';
import { type ContainerOptions, createContainer, type ModuleContainer } from './module-container.js';
import type { ModuleSettings } from './module-settings.js';
import { QuietLogger } from './quiet-logger.js';
import { type Check, readinessChecksOf } from './readiness-check.js';
import type { Degradation, Obstacle, Readiness } from './readiness.js';
import { serveSystemPaths } from './system-paths.js';
import { watchUnproven } from './watch-unproven.js';

/** How a host runs. */
export interface HostOptions {
  readonly application: Application;
  /** The modules that this process hosts. */
  readonly modules: readonly string[];
  readonly transport: Transport;
  /** PostgreSQL; required if a hosted module has entities or migrations. */
  readonly database?: DatabaseOptions;
  /** Without it, no port is opened. */
  readonly http?: HttpOptions;
  /** By module: what a topology file has under `settings`. */
  readonly settings?: Readonly<Record<string, ModuleSettings>>;
  readonly drain?: DrainOptions;
  /** How long finished messages and processes are kept. Default: see `Retention`. */
  readonly retention?: Retention;
  /**
   * The deployment that its database and its log must belong to; those that belong to none yet are claimed. Default:
   * not checked.
   */
  readonly deployment?: Deployment | undefined;
  /**
   * The keys by which services prove to each other who acts. Default: none, and what a call from another process says
   * of its user is believed. Calls within this process need no proof.
   */
  readonly trust?: TrustOptions | undefined;
  /** What calls between modules may take. Default: see `CallLimits`. */
  readonly calls?: CallLimitsByModule | undefined;
  readonly logger?: LoggerService | false;
}

/** The databases of a host. */
export interface DatabaseOptions {
  /** With a user who may create schemas and roles. Needed for each module that has no URL in `modules`. */
  readonly url?: string | undefined;
  /** URLs of modules that have one of their own. Default: none. */
  readonly modules?: Readonly<Record<string, string>>;
  /** Whether the host makes logins for each module, with the rights of the URL. Default `shared`: it does not. */
  readonly logins?: DatabaseLogins | undefined;
  /** Pool size of each module. Default 10. */
  readonly poolMax?: number;
}

/** The HTTP side of a host. */
export interface HttpOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /**
   * A port of its own for health, metrics and documents, which `port` then does not answer; 0 for any free port.
   * Default: none.
   */
  readonly adminPort?: number | undefined;
  /** Default 262,144. */
  readonly bodyMaxBytes?: number;
  /** Time for a request and all its calls, in milliseconds. Default 10,000. */
  readonly requestTimeoutMs?: number;
  /**
   * Addresses and networks (`10.0.0.0/8`) of the proxies before this process: of a request of theirs, `request.ip` is
   * the last address in `X-Forwarded-For` that is not one of them. Default: none, and the header is ignored.
   */
  readonly trustedProxies?: readonly string[];
  /** Files of a certificate and its key, PEM each, for HTTPS; used anew when they change. Default: HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Parts of a host that a test replaces. */
export interface HostParts {
  /** Default: a listener of its own. */
  readonly listener?: HttpListener;
  /** How Nest creates the application of each module. Default: `NestFactory`. */
  readonly create?: ContainerOptions['create'];
}

/** How a host ends. */
export interface DrainOptions {
  /**
   * Milliseconds between reporting 'not ready' and accepting no more connections, so that load balancers notice.
   * Default 0.
   */
  readonly noticeMs?: number;
  /** Milliseconds for running work to end before it is cut off. Default 10,000. */
  readonly timeoutMs?: number;
}

const DRAIN_TIMEOUT_DEFAULT_MS = 10_000;

/** The modules of a process, started and stopped as one. */
export class Host {
  readonly metrics = new CallMetrics();
  readonly registry = new Registry();
  private readonly messageMetrics = new MessageMetrics();
  private readonly handlingMetrics = new HandlingMetrics();
  private readonly requestMetrics = new RequestMetrics();
  private readonly guardMetrics = new GuardMetrics();
  private readonly guards: CallGuards;
  private readonly logger = new Logger('host');
  private readonly containers = new Map<string, ModuleContainer>();
  /** Opened for the modules, whose containers close them. */
  private readonly sources = new Map<string, ModuleDataSource>();
  private readonly moduleServers: ModuleServer[] = [];
  private readonly messagings: ModuleMessaging[] = [];
  private readonly checks: Check[] = [];
  private readonly catalogue: Catalogue;
  private readonly contexts: ContextReader;
  /** All modules of the application: nobody else may be the caller of a module here. */
  private readonly callers: ReadonlySet<string>;
  private readonly listener: HttpListener;
  private admin: HttpListener | undefined;
  private readonly databaseChecks = new DatabaseChecks();
  private listening = false;
  private started = false;
  private contained: (() => void) | undefined;
  private tracing: Tracing | undefined;
  private readonly trust: Trust | undefined;
  private closing: Promise<void> | undefined;
  /** The port that serves HTTP; 0 before the start or without HTTP. */
  port = 0;
  /** The port for health, metrics and documents, if it is another; known once it listens. */
  adminPort: number | undefined;

  constructor(options: HostOptions);
  /** @internal */
  constructor(options: HostOptions, parts: HostParts);
  constructor(
    private readonly options: HostOptions,
    private readonly parts: HostParts = {},
  ) {
    this.listener = parts.listener ?? new HttpListener(options.http?.tls);
    this.catalogue = new Catalogue(options.application.modules.map((m) => m.contract));
    this.contexts = new ContextReader(options.application.context);
    this.callers = new Set(options.application.modules.map((m) => m.contract.name));
    this.guards = new CallGuards(options.calls, this.guardMetrics);
    this.metrics.registerIn(this.registry);
    this.listener.meter = this.requestMetrics;
    for (const metrics of [this.messageMetrics, this.handlingMetrics, this.requestMetrics, this.guardMetrics])
      metrics.registerIn(this.registry);
    this.trust = options.trust && new Trust(options.trust, options.modules, watchUnproven(this.registry));
  }

  /**
   * Whether this host accepts work: started, not draining, every `@ReadinessCheck` of its modules successful and, if a
   * module here has tables, connected to the database, which is checked at most once a second with a limit of one second.
   * `/readyz` reports this.
   *
   * An unreachable broker only degrades the host: requests that need only the database are answered as before, and
   * those that call another module fail with `ModuleUnavailable`, a 503. If one replica alone has lost the broker,
   * balancers prefer the others.
   *
   * A replica that cannot reach its database can only fail its requests, while another may succeed. But when a shared
   * database is down, the balancer drops all replicas at once: until about a second after the database is back, clients
   * get the balancer's 503 instead of the modules' `fledge.database-unavailable`, even for requests that a cache or a
   * queue could have served. This is no reason to restart: `/healthz` stays 200.
   */
  async readiness(): Promise<Readiness> {
    const failed: Obstacle[] = [];
    if (!this.started) failed.push('start');
    if (this.closing !== undefined) failed.push('drain');
    const { transport } = this.options;
    const degraded: Degradation[] = transport.isConnected() ? [] : ['broker'];
    if ((transport.messageLog.differences?.() ?? []).length > 0) degraded.push('message-log');
    // a closing host needs no check, and its connections are being closed
    if (this.closing === undefined) {
      const [hasDatabase, verdicts] = await Promise.all([
        this.databaseChecks.answer(),
        // before the start the providers may not be ready for it
        Promise.all(this.started ? this.checks.map((check) => check.verdict()) : []),
      ]);
      if (!hasDatabase) failed.push('database');
      for (const [i, verdict] of verdicts.entries())
        if (verdict !== 'up') (verdict === 'down' ? failed : degraded).push((this.checks[i] as Check).name);
    }
    return { isReady: failed.length === 0, failed, degraded };
  }

  /** The Nest application of a hosted module. */
  module(name: string): INestApplication {
    const container = this.containers.get(name);
    if (!container)
      throw new StartupError(
        'not-hosted',
        `the module '${name}' is not hosted here`,
        `Hosted: ${[...this.containers.keys()].join(', ')}.`,
      );
    return container.app;
  }

  /** Starts everything; if anything fails, undoes what was started and rejects. */
  async start(): Promise<this> {
    this.contained = containRejections();
    try {
      const { application, modules, settings } = this.options;
      this.tracing = await openTracing();
      if (this.options.logger instanceof QuietLogger) this.options.logger.tracing = this.tracing;
      const loaded = await loadModules(application, modules, settings);
      await this.options.transport.start();
      // what waits for the database or the broker runs for all modules in parallel; each step ends before the next
      // begins
      await all(loaded.map(async ({ spec }) => this.openData(spec)));
      if (this.options.deployment && this.sources.size > 0)
        await this.options.transport.messageLog.claim?.(this.options.deployment);
      for (const module of loaded) await this.open(module);
      refuseUndeclared(
        application,
        loaded.map(({ spec: { contract } }) => ({ contract, app: this.module(contract.name) })),
      );
      // in the order of the list, as lifecycle hooks of modules run in one application
      for (const container of this.containers.values()) {
        await container.init();
        const { handleRequest, handleUpgrade } = container;
        if (handleUpgrade) this.listener.takeUpgrades(handleRequest, handleUpgrade);
      }
      await all(this.messagings.map((messaging) => messaging.subscribe()));
      await all(this.moduleServers.map((moduleServer) => this.options.transport.serve(moduleServer)));
      await all(this.messagings.map((messaging) => messaging.start()));
      for (const { microservices } of this.containers.values()) await microservices.listen();
      if (this.options.http) await this.listen(this.options.http);
    } catch (error) {
      await this.close().catch((failure: unknown) => this.logger.error(`the undoing failed: ${String(failure)}`));
      throw error;
    }
    this.started = true;
    return this;
  }

  /** Drains and stops: reports not ready, lets requests and calls end, closes connections. May be called twice. */
  close(): Promise<void> {
    return (this.closing ??= this.drainAndStop());
  }

  private async open({ cls, spec, settings, nest }: LoadedModule): Promise<void> {
    const { options, catalogue } = this;
    const { application } = options;
    const { name } = spec.contract;
    const moduleServer = new ModuleServer(
      name,
      catalogue.of(name),
      this.guards.limitsOf(name),
      (module, message, correlationId, error) =>
        this.logger.error(
          `[${correlationId}] ${module} failed while handling ${message}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        ),
      passingOutcome,
      this.contexts,
      this.callers,
    );
    if (this.tracing) moduleServer.traceWith(this.tracing);
    if (this.trust) moduleServer.verifyWith(this.trust.control);
    const source = this.sources.get(name);
    const container = await createContainer({
      cls,
      spec,
      catalogue,
      moduleServer,
      moduleClient: (message) => this.moduleClient(name, message),
      dataImports: dataImportsOf(spec, source),
      settings,
      bodyMaxBytes: options.http?.bodyMaxBytes ?? BODY_MAX_DEFAULT_BYTES,
      requestTimeoutMs: options.http?.requestTimeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS,
      trustedProxies: options.http?.trustedProxies,
      logger: options.logger ?? false,
      imports: application.imports,
      snapshot: application.snapshot,
      hooks: [application.nest, nest].filter((hooks) => hooks !== undefined),
      problems: application.problems,
      create: this.parts.create,
      platform: application.platform,
      tracing: this.tracing,
      meter: this.requestMetrics,
      keyTrust: this.trust && { module: name, keySets: this.trust.keySets },
    });
    if (this.trust) proveKeySets(moduleServer, this.trust.keySets);
    this.containers.set(name, container);
    this.moduleServers.push(moduleServer);
    this.checks.push(...readinessChecksOf(container.app, name));
    const parts = { app: container.app, spec, catalogue, moduleServer };
    if (source) this.openMessaging(name, { ...parts, source });
    else refuseUnstored(parts);
    for (const route of spec.contract.routes) this.listener.own(route, container.handleRequest);
  }

  private openMessaging(
    name: string,
    parts: Omit<ModuleMessagingOptions, 'messageLog' | 'retention' | 'tracing' | 'onQuarantined'>,
  ): void {
    const { transport, retention } = this.options;
    const { tracing } = this;
    const { messageLog } = transport;
    const onQuarantined = this.messageMetrics.quarantineOf(name);
    const messaging = new ModuleMessaging({ ...parts, messageLog, retention, tracing, onQuarantined });
    this.messagings.push(messaging);
    this.handlingMetrics.watch(name, messaging.counts, () => parts.source.pool);
    const sql = sqlOf(parts.source);
    this.messageMetrics.watch(name, (countMax) => overview(sql, countMax));
  }

  private async openData(spec: BoundedModuleSpec): Promise<void> {
    if (!keepsData(spec)) return;
    const { name } = spec.contract;
    const { database } = this.options;
    const url = database?.modules?.[name] ?? database?.url;
    if (url === undefined)
      throw new StartupError(
        'database',
        `${name} has tables, but the host has no database`,
        'Give the Host a `database: { url }`; `startEmbeddedPostgres({ dir })` starts a server and returns its URL.',
      );
    this.databaseChecks.watch(url);
    const source = await openDataOf(spec, { ...database, url });
    this.sources.set(name, source);
    if (this.options.deployment) await claimSchema(sqlOf(source), name, this.options.deployment);
  }

  private moduleClient(caller: string, message: CompiledMessage): ModuleClient {
    const { transport } = this.options;
    const meter = this.metrics.meter({
      caller,
      module: message.module,
      message: message.name,
      transport: transport.name,
    });
    const send = transport.sender(caller, message);
    const guard = this.guards.between(caller, message.module);
    return this.tracing
      ? new TracedClient(this.tracing, caller, message, send, meter, this.trust?.office, guard)
      : new ModuleClient(caller, message, send, meter, this.trust?.office, guard);
  }

  private async listen(http: HttpOptions): Promise<void> {
    const admin = http.adminPort === undefined ? undefined : new HttpListener();
    serveSystemPaths(admin ?? this.listener, {
      title: this.options.application.name,
      metrics: (accept) => expose([processMetrics(), this.registry], accept),
      readiness: () => this.readiness(),
      apps: () => new Map([...this.containers].map(([name, { app }]) => [name, app])),
    });
    const address = http.host ?? '127.0.0.1';
    if (admin) {
      this.adminPort = await admin.listen(http.adminPort as number, address);
      this.admin = admin;
    }
    this.port = await this.listener.listen(http.port, address);
    this.listening = true;
  }

  private async drainAndStop(): Promise<void> {
    const { noticeMs = 0, timeoutMs = DRAIN_TIMEOUT_DEFAULT_MS } = this.options.drain ?? {};
    const { transport } = this.options;
    if (this.listening) {
      this.listener.announceDrain();
      await delay(noticeMs);
    }
    const failures: unknown[] = [];
    // each step is taken, also after one that failed
    const step = async (work: Promise<unknown> | undefined, what: string): Promise<void> => {
      await within(timeoutMs, work, what, this.logger).catch((error: unknown) => {
        failures.push(error);
        this.logger.error(
          `${what} did not end as they should: ${error instanceof Error ? error.stack : String(error)}`,
        );
      });
    };
    const gateways = [...this.containers.values()].flatMap((container) => container.gateways ?? []);
    const ended = (): Promise<void> => all(gateways.map((gateway) => gateway.ended()));
    await step(ended(), 'handlers of gateways');
    // HTTP first: the requests in progress still call other modules.
    const closeGateways = (): Promise<void> => all(gateways.map((gateway) => gateway.close()));
    await step(this.listening ? this.listener.close(closeGateways) : undefined, 'HTTP requests');
    // those of messages that came meanwhile
    await step(ended(), 'handlers of gateways');
    await step(
      all([...this.containers.values()].map(({ microservices }) => microservices.drain())),
      'handlers of patterns',
    );
    // message handlers still call other modules, too
    await step(all(this.messagings.map((messaging) => messaging.stop())), 'handlers of messages');
    await step(transport.messageLog.stop(), 'messages on their way in');
    await step(this.started ? transport.drain() : undefined, 'calls');
    for (const [name, { app }] of this.containers) await step(app.close(), `the providers of ${name}`);
    // left over from a start that failed before every module had its container
    for (const source of this.sources.values())
      if (source.isInitialized) await step(source.destroy(), 'the connections of a module');
    await step(this.databaseChecks.close(), 'the check of the database');
    await step(transport.close(), 'the connections of the transport');
    // last: until now it has said that this process is not ready
    await step(this.admin?.close(), 'requests for health and metrics');
    this.contained?.();
    if (failures.length > 0) throw failures[0];
  }
}

/**
 * Waits for all, even after one has failed: everything must have ended before it is undone. @throws the first failure,
 * in order.
 */
async function all(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for a step of the drain, but only until its time is up: a stop must end. */
async function within(
  timeoutMs: number,
  step: Promise<unknown> | undefined,
  what: string,
  logger: Logger,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, timeoutMs, 'late')));
  try {
    if ((await Promise.race([step, late])) === 'late')
      logger.warn(`${what} did not end within ${timeoutMs} ms and are cut off`);
  } finally {
    clearTimeout(timer);
  }
}
