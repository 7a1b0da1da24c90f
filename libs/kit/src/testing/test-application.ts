import { randomBytes } from 'node:crypto';
import { ConsoleLogger, type DynamicModule, type InjectionToken, type LoggerService, type Type } from '@nestjs/common';
import type { MockFactory } from '@nestjs/testing';
import { StartupError } from '../contract/index.js';
import {
  type Application,
  checkAgainstApplication,
  chooseTransport,
  Host,
  type ModuleSettings,
  withAccessDeclared,
} from '../host/index.js';
import { HttpListener } from '../http/index.js';
import { keepsData } from '../messaging/index.js';
import type { TrustOptions } from '../security/index.js';
import { nearest, type Service, settingsWithSecrets, type Topology } from '../topology/index.js';
import { freshDatabase, type FreshDatabase } from './fresh-database.js';
import { createWithTesting } from './nest-testing.js';
import { type OverrideBy, type OverrideModule, Overrides } from './overrides.js';
import { type TestBroker, testBroker } from './test-broker.js';
import { frontOf } from './test-front.js';
import { throwawayTrust } from './throwaway-trust.js';
import { testTopology, type TopologyContent } from './test-topology.js';
import { type StartedService, TestedApplication } from './tested-application.js';

/** How an application is tested. */
export interface TestApplicationOptions {
  /**
   * A name (`split` for `config/split.yaml`), the path of a file, or its content as an object. Default: what the
   * environment variable `FLEDGE_TEST_TOPOLOGY` names; without it `config/monolith.yaml`, or all modules in one process
   * if there is no such file.
   *
   * Each service runs once, in the process of the test, without further replicas. Its ports, database, broker and
   * namespace are those of the test, whatever the topology says.
   */
  readonly topology?: string | TopologyContent | Topology;
  /** By module: overrides single values of `settings` in the topology. Default: nothing. */
  readonly settings?: Readonly<Record<string, ModuleSettings>>;
  /**
   * PostgreSQL, as an owner who may create schemas. Default: if a module has tables, a new database, dropped by
   * `close()`: see `freshDatabase`.
   */
  readonly database?: { readonly url: string };
  /**
   * A nats-server with JetStream, for a topology over NATS. Default: that of `FLEDGE_TEST_NATS_URL`; without it one for
   * this process, which needs `@fledge/cli`. Each application under test has subjects and streams of its own; the
   * streams stay on a server of yours until they expire.
   */
  readonly nats?: { readonly url: string };
  /** Default: errors alone, on the console. */
  readonly logger?: LoggerService | false;
}

/**
 * An application to be tested. The methods are those of `Test.createTestingModule(…)`; each replaces something in all
 * modules that have it.
 */
export class TestApplicationBuilder {
  private readonly overrides = new Overrides();
  private mocker: MockFactory | undefined;

  /** @internal */
  constructor(
    private readonly application: Application,
    private readonly options: TestApplicationOptions,
  ) {}

  overrideProvider(token: InjectionToken): OverrideBy<this> {
    return this.overrides.add('Provider', token, this);
  }

  overrideGuard(token: InjectionToken): OverrideBy<this> {
    return this.overrides.add('Guard', token, this);
  }

  overrideInterceptor(token: InjectionToken): OverrideBy<this> {
    return this.overrides.add('Interceptor', token, this);
  }

  overridePipe(token: InjectionToken): OverrideBy<this> {
    return this.overrides.add('Pipe', token, this);
  }

  overrideFilter(token: InjectionToken): OverrideBy<this> {
    return this.overrides.add('Filter', token, this);
  }

  /** Replaces a module that modules import, or a bounded module by another one with the same contract. */
  overrideModule(module: Type | DynamicModule): OverrideModule<this> {
    return this.overrides.addModule(module, this);
  }

  /** Creates a mock for each dependency that no module provides. */
  useMocker(mocker: MockFactory): this {
    this.mocker = mocker;
    return this;
  }

  /**
   * Starts every service of the topology, each as a host of its own. If one fails, the others are stopped.
   * @throws the errors that also stop a service; StartupError for an override that replaces nothing.
   */
  async start(): Promise<TestedApplication> {
    const { options, overrides } = this;
    const application = withAccessDeclared(overrides.inApplication(this.application));
    const given = withSettings(testTopology(application, options.topology), application, options.settings);
    const modules = application.modules.map(({ contract }) => contract.name);
    const settings = settingsWithSecrets(given, modules);
    const loaded = await checkAgainstApplication(application, given, modules, settings);
    const withTables = loaded.flatMap(({ spec }) => (keepsData(spec) ? [spec.contract.name] : []));
    const running = new Running();
    try {
      running.database = withTables.length > 0 && !options.database ? await freshDatabase() : undefined;
      running.broker = given.transport === 'nats' && !options.nats ? await testBroker() : undefined;
      const databaseUrl = withTables.length > 0 ? (options.database ?? running.database)?.url : undefined;
      const topology = ofTest(
        given,
        databaseUrl,
        running.database !== undefined,
        (options.nats ?? running.broker)?.url,
      );
      const trust = topology.services.length > 1 ? throwawayTrust(topology.namespace, modulesIn(topology)) : [];
      for (const [i, service] of topology.services.entries())
        running.services.push(await this.service(application, { ...topology, settings }, service, trust[i]));
      await all(running.services.map(({ host }) => host.start()));
      overrides.refuseUnused(application.name);
      const front = frontOf(running.services.map(seenByFront));
      const [only, ...others] = running.services;
      const port = only && others.length === 0 ? only.host.port : await running.open(front);
      return new TestedApplication({
        name: application.name,
        topology,
        services: running.services,
        front,
        port,
        databaseUrl,
        withTables,
        release: () => running.release(),
      });
    } catch (error) {
      // the reason for which it did not start says more than that something did not stop
      await running.release().catch(() => undefined);
      throw error;
    }
  }

  private async service(
    application: Application,
    topology: Topology,
    { name, modules }: Service,
    trust: TrustOptions | undefined,
  ): Promise<StartedService> {
    const { overrides, mocker } = this;
    const listener = new HttpListener();
    const host = new Host(
      {
        application,
        modules,
        transport: await chooseTransport(application, topology, { name, modules, replicas: 1 }, application.version),
        database:
          topology.database.url === undefined
            ? undefined
            : {
                url: topology.database.url,
                logins: topology.database.logins,
                poolMax: topology.database.poolMax,
              },
        http: topology.http,
        settings: topology.settings,
        drain: topology.drain,
        calls: topology.calls,
        retention: topology.retention,
        trust,
        logger: this.options.logger ?? new ConsoleLogger({ logLevels: ['error', 'fatal'] }),
      },
      {
        listener,
        create: createWithTesting(
          (builder) => overrides.applyTo(mocker ? builder.useMocker(mocker) : builder),
          (built) => overrides.note(built),
        ),
      },
    );
    const contracts = application.modules.map(({ contract }) => contract);
    return { name, contracts: contracts.filter((contract) => modules.includes(contract.name)), host, listener };
  }
}

/**
 * Prepares a whole application for a test, as one process or as services, with the overrides of `@nestjs/testing`:
 * `await testApplication(application).overrideProvider(Clock).useValue(stopped).start()`.
 *
 * It works with any test runner.
 */
export function testApplication(
  application: Application,
  options: TestApplicationOptions = {},
): TestApplicationBuilder {
  return new TestApplicationBuilder(application, options);
}

function modulesIn({ services }: Topology): (readonly string[])[] {
  return services.map(({ modules }) => modules);
}

/** What was started and has to be stopped. */
class Running {
  readonly services: StartedService[] = [];
  database: FreshDatabase | undefined;
  broker: TestBroker | undefined;
  private front: HttpListener | undefined;

  /** Opens the server of several services; resolves with its port. */
  open(front: HttpListener): Promise<number> {
    this.front = front;
    return front.listen(0, '127.0.0.1');
  }

  /** Stops everything, whatever of it fails; then rejects with the first failure. */
  async release(): Promise<void> {
    const { front, services, database, broker } = this;
    // what it still answers ends with the requests of the services, which are cut off after a time
    const isFrontClosed = front?.close();
    const stopped = await Promise.allSettled(services.map(({ host }) => host.close()));
    front?.server.closeAllConnections();
    const rest = await Promise.allSettled([isFrontClosed, database?.drop(), broker?.release()]);
    const failed = [...stopped, ...rest].find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

function seenByFront({ listener, contracts, host }: StartedService): Parameters<typeof frontOf>[0][number] {
  return {
    listener,
    routes: contracts.flatMap(({ routes }) => routes),
    url: `http://127.0.0.1:${host.port}`,
  };
}

function withSettings(
  topology: Topology,
  { name, modules }: Application,
  settings: TestApplicationOptions['settings'] = {},
): Topology {
  const known = modules.map(({ contract }) => contract.name);
  const merged: Record<string, ModuleSettings> = { ...topology.settings };
  const secrets = { ...topology.secrets };
  for (const [module, own] of Object.entries(settings)) {
    if (!known.includes(module)) {
      const guess = nearest(module, known);
      throw new StartupError(
        'unknown-module',
        `the test has settings for '${module}', and the application ${name} has no module of that name`,
        guess ? `Did you mean '${guess}'?` : `It has: ${known.join(', ')}.`,
      );
    }
    merged[module] = { ...merged[module], ...own };
    const rest = Object.entries(secrets[module] ?? {}).filter(([key]) => !Object.hasOwn(own, key));
    secrets[module] = Object.fromEntries(rest);
  }
  return { ...topology, settings: merged, secrets };
}

/** A topology with what belongs to the test: its ports, its database, its broker, and nothing that takes long. */
function ofTest(
  topology: Topology,
  databaseUrl: string | undefined,
  isOwnDatabase: boolean,
  natsUrl: string | undefined,
): Topology {
  return {
    ...topology,
    namespace: `test-${randomBytes(6).toString('hex')}`,
    database: {
      ...topology.database,
      url: databaseUrl,
      modules: {},
      // as on the embedded server in development
      logins: topology.database.logins ?? (isOwnDatabase ? 'own' : 'shared'),
      tls: undefined,
    },
    // one server is enough for a test, whatever the topology wants in production
    nats: {
      ...topology.nats,
      servers: natsUrl === undefined ? [] : [natsUrl],
      replicas: undefined,
      seed: undefined,
      seedFile: undefined,
      isProvisioned: false,
      tls: undefined,
    },
    // one address for all, also for health and metrics
    http: { ...topology.http, host: '127.0.0.1', port: 0, adminPort: undefined, tls: undefined },
    drain: { ...topology.drain, noticeMs: 0 },
  };
}

/** Waits for all, even after one has failed. @throws the first failure, in order. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
