import { ConsoleLogger, type LoggerService, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { TestingModuleBuilder } from '@nestjs/testing';
import {
  type CallMeter,
  Catalogue,
  ContextReader,
  type CompiledMessage,
  type Identity,
  ModuleServer,
  ModuleClient,
} from '../boundary/index.js';
import { type BoundedModuleSpec, checkedModuleSpec } from '../bus/index.js';
import {
  type AccessTokenRules,
  BODY_MAX_DEFAULT_BYTES,
  CALL_LIMITS_DEFAULT,
  type Class,
  REQUEST_TIMEOUT_DEFAULT_MS,
  StartupError,
} from '../contract/index.js';
import { passingOutcome } from '../data/index.js';
import {
  checkSettings,
  createContainer,
  type ModuleContainer,
  type ModuleSettings,
  SettingsError,
  type NestHooks,
  type SharedImports,
} from '../host/index.js';
import type { PlatformName, ProblemMode } from '../http/index.js';
import { dataImportsOf, keepsData, ModuleMessaging, openDataOf, refuseUnstored } from '../messaging/index.js';
import { ACCESS_TOKEN_RULES } from '../security/index.js';
import { LocalTransport } from '../transport/index.js';
import { FakeNeighbours } from './fake-neighbours.js';
import type { Fake } from './fake.js';
import { freshDatabase, type FreshDatabase } from './fresh-database.js';
import { createWithTesting, withServer } from './nest-testing.js';
import { type Callee, TestCaller } from './test-caller.js';
import { TestMessageLog } from './test-message-log.js';
import { TestHttp } from './test-http.js';
import { TestIssuer } from './test-issuer.js';
import { testCallerOf, TestMessages } from './test-messages.js';

/** How a module is tested. */
export interface TestModuleOptions {
  /** Stand-ins for the modules that it uses. Default none: the first message sent to one fails the test. */
  readonly fakes?: readonly Fake[];
  /** The identity of the caller, unless `as()` sets another. Default none. */
  readonly identity?: Identity;
  /** What a topology file would have under `settings.<module>`. Default nothing. */
  readonly settings?: ModuleSettings;
  /**
   * PostgreSQL, as an owner who may create schemas. Default: for a module with tables, a new database on the temporary
   * server of the test run, dropped by `close()`.
   */
  readonly database?: { readonly url: string };
  /**
   * Overrides providers, as usual with `@nestjs/testing`:
   * `(builder) => builder.overrideProvider(Clock).useValue(stopped)`.
   */
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** As in the application. Default: none. */
  readonly imports?: SharedImports;
  /** The hooks of the application, and of the module in its list, in the order in which they run. Default: none. */
  readonly nest?: readonly NestHooks[];
  /** As in the application. Default: `fastify`. */
  readonly platform?: PlatformName;
  /** The class of the application's context, if it has one; a test sets values by `withContext`. Default: none. */
  readonly context?: Class;
  /** As in the application. Default: `always`. */
  readonly problems?: ProblemMode;
  /** Default: the console, only for errors. */
  readonly logger?: LoggerService | false;
}

/** One module, running alone: its own container, tables and boundary are real, its neighbours are fakes. */
export class TestedModule extends TestCaller {
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(
    private readonly tested: Callee,
    identity: Identity | undefined,
    private readonly release: () => Promise<void>,
    private readonly durable: TestMessages | undefined,
  ) {
    super(tested, identity);
  }

  /** The durable messages that the module sends and receives; only for a module with tables. */
  get messages(): TestMessages {
    if (this.durable) return this.durable;
    throw new StartupError(
      'test-message',
      `${this.tested.module} has no tables, and so no durable messages`,
      'Name `entities` or `migrations` in its @BoundedModule.',
    );
  }

  /** Its Nest application. `app.getHttpServer()` serves its routes, as supertest wants it. */
  get app(): NestFastifyApplication {
    return this.tested.app;
  }

  /** A provider from anywhere in the module. */
  get<T>(token: Type<T> | Class<T> | string | symbol): T {
    return this.tested.app.get<T>(token as Type<T>, { strict: false });
  }

  /**
   * Another caller: `test.as({ subject: 'u-1', roles: ['staff'] }).request('POST', '/products', …)`; `undefined` for an
   * anonymous one.
   */
  as(identity: Identity | undefined): TestCaller {
    return new TestCaller(this.tested, identity);
  }

  /** The instances of a neighbour's message that the module sent, in order: copies, as the neighbour received them. */
  calls<M extends object>(message: Class<M>): readonly M[] {
    return this.tested.neighbours.calls(message);
  }

  /** Clears `calls`, for tests that share a module. */
  forgetCalls(): void {
    this.tested.neighbours.forget();
  }

  /**
   * Throws a `FakeBreach` if a fake broke its contract and no call has reported it, as in background work of the
   * module. `close()` does so too; for a test that shares its module, call it in `afterEach`.
   */
  verifyFakes(): void {
    this.tested.neighbours.verify();
  }

  /** Stops the module, drops what was created for it, then `verifyFakes()`. May be called twice. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    await this.release();
    this.verifyFakes();
  }
}

/**
 * Starts one bounded module for a test, with fakes for the modules that it uses. All promises of the boundary hold:
 * copies, validation, typed errors, `UndeclaredDependency`; it also checks the fakes against their contracts.
 *
 * @throws StartupError for anything that would stop a host too, and for a fake of a contract that the module does not
 * use.
 */
export async function testModule(cls: Type, options: TestModuleOptions = {}): Promise<TestedModule> {
  const spec = checkedModuleSpec(cls);
  const settings = checkSettings(spec, options.settings ?? {});
  if (settings.problems.length > 0) throw new SettingsError(settings.problems);
  const issuer = new TestIssuer();
  const neighbours = new FakeNeighbours(spec, options.fakes ?? [], issuer);
  const catalogue = new Catalogue([spec.contract, ...spec.uses]);
  const transport = new LocalTransport();
  const http = new TestHttp();
  const faults = new Map<string, unknown>();
  const moduleServer = new ModuleServer(
    spec.contract.name,
    catalogue.of(spec.contract.name),
    CALL_LIMITS_DEFAULT,
    (_module, _message, correlationId, error) => faults.set(correlationId, error),
    passingOutcome,
    new ContextReader(options.context),
  );
  const moduleClient = (caller: string) => (message: CompiledMessage) =>
    new ModuleClient(caller, message, transport.sender(caller, message), unmetered);
  const database = await databaseOf(spec, options);
  let messaging: ModuleMessaging | undefined;
  let container: ModuleContainer | undefined;
  const release = async (): Promise<void> => {
    await http.close();
    await container?.microservices.drain();
    await messaging?.stop();
    await transport.drain();
    await container?.app.close();
    await database?.drop?.();
  };
  try {
    const source = database && (await openDataOf(spec, database));
    container = await createContainer({
      cls,
      spec,
      catalogue,
      moduleServer,
      moduleClient: moduleClient(spec.contract.name),
      dataImports: dataImportsOf(spec, source),
      settings: settings.instance,
      ...nestOptionsOf(options),
    });
    const app = withServer(container.app, spec.contract, 'Send it messages: `test.execute(message)`.');
    http.own(spec.contract.routes, container.handleRequest);
    for (const neighbour of neighbours.moduleServers(catalogue)) await transport.serve(neighbour);
    const parts = { app, spec, catalogue, moduleServer };
    if (source) messaging = new ModuleMessaging({ ...parts, source, messageLog: new TestMessageLog() });
    else refuseUnstored(parts);
    await container.init();
    issuer.rules = tokenRulesOf(container);
    await messaging?.subscribe();
    await transport.serve(moduleServer);
    await messaging?.start();
    await container.microservices.listen();
    const moduleClients = new Map(
      moduleServer.messages.map((message) => [message.cls, moduleClient(testCallerOf(message))(message)]),
    );
    return new TestedModule(
      { module: spec.contract.name, app, http, moduleClients, neighbours, issuer, faults },
      options.identity,
      release,
      source && messaging && new TestMessages(messaging, source, catalogue),
    );
  } catch (error) {
    await release();
    throw error;
  }
}

/** How the module's Nest application is made. */
function nestOptionsOf(options: TestModuleOptions) {
  return {
    bodyMaxBytes: BODY_MAX_DEFAULT_BYTES,
    requestTimeoutMs: REQUEST_TIMEOUT_DEFAULT_MS,
    logger: options.logger ?? new ConsoleLogger({ logLevels: ['error', 'fatal'] }),
    imports: options.imports,
    hooks: options.nest,
    problems: options.problems,
    platform: options.platform,
    create: createWithTesting(options.override ?? ((builder) => builder)),
  };
}

/** What the module's `Authentication` asks of tokens, if it has one with rules. */
function tokenRulesOf({ app }: ModuleContainer): AccessTokenRules | undefined {
  try {
    return app.get<AccessTokenRules | undefined>(ACCESS_TOKEN_RULES, { strict: false });
  } catch {
    // it verifies no tokens
    return undefined;
  }
}

/** A test's calls are not measured. */
const unmetered: CallMeter = { record: () => undefined };

async function databaseOf(
  spec: BoundedModuleSpec,
  { database }: TestModuleOptions,
): Promise<(Pick<FreshDatabase, 'url'> & Partial<FreshDatabase>) | undefined> {
  return keepsData(spec) ? (database ?? freshDatabase()) : undefined;
}
