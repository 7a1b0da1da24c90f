import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { isObservable } from 'rxjs';
import { CallContext, currentContext, type ModuleServer, runInContext } from '../boundary/index.js';
import { StartupError } from '../contract/index.js';
import { ANSWERS_PATTERNS, type PatternServer } from '../transport/index.js';
import { controllerMethods, HANDLER_TYPE } from './controller-methods.js';
import { streamInContext } from './stream-in-context.js';

/** A handler, as Nest registers it with a server. */
type PatternHandler = (...args: unknown[]) => unknown;

/** What the kit needs of a server of Nest's microservices; that package is an optional peer. */
interface TransportServer extends Partial<PatternServer> {
  readonly transportId?: unknown;
  listen(callback: (...told: unknown[]) => unknown): unknown;
  close(): unknown;
  getHandlers?(): Map<string, PatternHandler>;
}

/** Parts of a microservice that the types of Nest 11 do not have. */
type Microservice = INestMicroservice & {
  getTransportServer?(): TransportServer;
  readonly serverInstance?: TransportServer;
  setIsTerminated?(is: boolean): void;
};

/** Of a handler that no transport calls, as `@nestjs/microservices` stores it; it does not export these keys. */
const PATTERN = 'microservices:pattern';
const TRANSPORT = 'microservices:transport';

/**
 * The transports of Nest's microservices that hooks connected to the application of one module: those of the kit answer
 * through the boundary, any other as in a hybrid application. Their handlers run in a context of the module.
 */
export class Microservices {
  private readonly connected: Microservice[];
  private readonly running = new Set<Promise<unknown>>();
  private listening: Microservice[] = [];

  constructor(
    private readonly app: INestApplication,
    private readonly moduleServer: ModuleServer,
  ) {
    // Nest's own list, so that it does not close what this has closed
    this.connected = app.getMicroservices() as unknown as Microservice[];
  }

  /**
   * Refuses handlers that nothing would call, and starts the kit's strategies: before the module is served.
   * @throws StartupError
   */
  async answerPatterns(): Promise<void> {
    const servers = this.connected.map(serverOf);
    refuseUnanswered(this.app, this.moduleServer.module, servers);
    for (const [i, server] of servers.entries()) {
      if (server[ANSWERS_PATTERNS] === undefined) this.wrapHandlers(server);
      else {
        server[ANSWERS_PATTERNS](this.moduleServer);
        await this.connected[i]?.listen();
      }
    }
  }

  /** Starts all other transports: when the module can call others and publish. @throws StartupError */
  async listen(): Promise<void> {
    const others = this.connected.filter((microservice) => serverOf(microservice)[ANSWERS_PATTERNS] === undefined);
    for (const microservice of others) {
      this.listening.push(microservice);
      try {
        await microservice.listen();
      } catch (error) {
        throw notListening(this.moduleServer.module, error);
      }
    }
  }

  /** Waits for running handlers, closes the transports, then waits for handlers that began meanwhile. */
  async drain(): Promise<void> {
    await this.ended();
    const closing = this.listening;
    this.listening = [];
    for (const microservice of closing) {
      // else it would run the hooks of the application
      microservice.setIsTerminated?.(true);
      await microservice.close();
      this.connected.splice(this.connected.indexOf(microservice), 1);
    }
    await this.ended();
  }

  private async ended(): Promise<void> {
    await Promise.all([...this.running]);
    // what Nest sends in a later turn than that in which the handler ends
    if (this.listening.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Makes each handler of a server run in a context of its own, from the moment at which the server listens. */
  private wrapHandlers(server: TransportServer): void {
    const listen = server.listen.bind(server);
    server.listen = (callback) => {
      const handlers = server.getHandlers?.();
      handlers?.forEach((handler, pattern) => handlers.set(pattern, this.inContext(handler)));
      return listen(callback);
    };
  }

  private inContext(handler: PatternHandler): PatternHandler {
    const { module } = this.moduleServer;
    const run: PatternHandler = (...args) => {
      const context = currentContext() ?? new CallContext(module, 'rpc', Infinity, undefined, undefined, undefined);
      const ended = this.begin();
      let result: unknown;
      try {
        result = runInContext(context, () => handler(...args));
      } catch (error) {
        ended();
        throw error;
      }
      return Promise.resolve(result).then(
        (value) => (isObservable(value) ? streamInContext(value, context, ended) : (ended(), value)),
        (error: unknown) => {
          ended();
          throw error;
        },
      );
    };
    // what Nest keeps with a handler: whether it takes events, the handler after it, and options of the transport
    return Object.assign(run, handler);
  }

  /** @returns what to call when the work has ended. */
  private begin(): () => void {
    let end: (() => void) | undefined;
    const work = new Promise<void>((resolve) => (end = resolve));
    this.running.add(work);
    return () => {
      this.running.delete(work);
      end?.();
    };
  }
}

function serverOf(microservice: Microservice): TransportServer {
  const server = microservice.getTransportServer?.() ?? microservice.serverInstance;
  if (server === undefined)
    throw new Error('this release of @nestjs/microservices does not tell the server of a microservice');
  return server;
}

function refuseUnanswered(app: INestApplication, module: string, servers: readonly TransportServer[]): void {
  const unanswered = patternsOf(app).filter(
    ({ transport }) =>
      !servers.some(
        ({ transportId }) => transport === undefined || transportId === undefined || transport === transportId,
      ),
  );
  if (unanswered.length === 0) return;
  throw new StartupError(
    'pattern-unanswered',
    `${module} has handlers of patterns that no transport would call: ${unanswered.map(({ place }) => place).join(', ')}`,
    'Connect one in a hook of the list of modules: `nest: { beforeInit: (app) => void app.connectMicroservice({ strategy: new FledgeStrategy() }) }`, of @fledge/kit/microservices; or one of the transports of Nest.',
    { module },
  );
}

interface FoundPattern {
  readonly place: string;
  readonly transport: unknown;
}

/** The handlers of patterns in the controllers of an application. */
function patternsOf(app: INestApplication): readonly FoundPattern[] {
  return controllerMethods(app)
    .filter(({ handler }) => Reflect.getMetadata(HANDLER_TYPE, handler) !== undefined)
    .map(({ controller, method, handler }) => ({
      place: `${controller.name}.${method} (${JSON.stringify(Reflect.getMetadata(PATTERN, handler))})`,
      transport: Reflect.getMetadata(TRANSPORT, handler) as unknown,
    }));
}

function notListening(module: string, error: unknown): Error {
  if (error instanceof StartupError) return error;
  const failure = new StartupError(
    'microservice',
    `a transport that a hook connected to ${module} cannot listen: ${error instanceof Error ? error.message : String(error)}`,
    'Check the address and the options that the hook gives to connectMicroservice(…), and that its broker runs.',
    { module },
  );
  failure.cause = error;
  return failure;
}
