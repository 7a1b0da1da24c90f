import type { Server } from 'node:http';
import type { INestApplication, Type, WebSocketAdapter } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { FledgeError, StartupError } from '../contract/index.js';
import { type GatewayClient, ProblemFilter } from '../http/index.js';
import { addEnhancers } from './gateway-enhancers.js';
import { GatewayConnections } from './gateway-connections.js';

/** Of a gateway class, as `@nestjs/websockets` stores it; it is no peer of the kit. */
const GATEWAY = 'websockets:is_gateway';
const PORT = 'port';

/** WebSocket's status codes: the client was refused, or its connection failed. */
const REFUSED = 1008;
const FAILED = 1011;

const FILTER = new ProblemFilter();

/** A client of Socket.IO, or of the package `ws`. */
interface Client extends GatewayClient {
  disconnect?(close: boolean): unknown;
  close?(code: number): unknown;
}
type Hook = (client: Client, ...rest: unknown[]) => unknown;
type Gateway = Partial<Record<'handleConnection' | 'handleDisconnect', Hook>>;

/** The WebSocket gateways of one module, which take their connections from the server of the module. */
export class Gateways {
  private readonly requestListeners: readonly unknown[];

  private constructor(
    private readonly app: INestApplication,
    private readonly module: string,
    private readonly connections: GatewayConnections,
    private readonly paths: ReadonlySet<string>,
  ) {
    this.requestListeners = (app.getHttpServer() as Server).listeners('request');
  }

  /**
   * Prepares the gateways of a module, before Nest connects them.
   * @param onPath is told the path of each server; may throw.
   * @returns undefined if the module has none.
   * @throws StartupError
   */
  static async of(
    app: INestApplication,
    module: string,
    onPath: (path: string) => void,
  ): Promise<Gateways | undefined> {
    const found = [...app.get(ModulesContainer).values()]
      .flatMap(({ providers }) => [...providers.values()])
      .filter(({ metatype }) => typeof metatype === 'function' && Reflect.hasMetadata(GATEWAY, metatype));
    if (found.length === 0) return undefined;
    for (const wrapper of found) {
      const gateway = wrapper.metatype as Type;
      refusePort(gateway, module);
      addFilter(gateway);
      addEnhancers(gateway);
      if (wrapper.isDependencyTreeStatic()) containHooks(wrapper.instance as Gateway);
    }
    const config = app.get(ApplicationConfig);
    const adapter = config.getIoAdapter() as WebSocketAdapter | undefined;
    const paths = new Set<string>();
    const connections = new GatewayConnections(module, config, adapter ?? (await socketIo(app, module)), (path) => {
      onPath(path);
      paths.add(path);
    });
    app.useWebSocketAdapter(connections.adapter);
    return new Gateways(app, module, connections, paths);
  }

  /** Checks that Nest has connected them to the server of the module. @throws StartupError */
  checkAttached(): void {
    const server = this.app.getHttpServer() as Server;
    const [first] = server.listeners('request');
    if (server.listenerCount('upgrade') > 0 || first !== this.requestListeners[0]) return;
    throw new StartupError(
      'gateway-adapter',
      `the WebSocket adapter of ${this.module} serves its gateways at a server of its own`,
      'Give it the application, in beforeInit: `app.useWebSocketAdapter(new WsAdapter(app))`.',
      { module: this.module },
    );
  }

  /** Whether connections to a target are those of a gateway. */
  serve(target = '/'): boolean {
    const [path = '/'] = target.split('?', 1);
    // clients of Socket.IO add a slash
    return this.paths.has(path) || this.paths.has(path.replace(/\/$/, ''));
  }

  /** Resolves when the handlers that run now have ended. */
  ended(): Promise<void> {
    return this.connections.ended();
  }

  /** Closes what is left of the connections. */
  close(): Promise<void> {
    return this.connections.close();
  }
}

function refusePort(gateway: Type, module: string): void {
  const port = Reflect.getMetadata(PORT, gateway) as number | undefined;
  if (port === undefined || port === 0) return;
  throw new StartupError(
    'gateway-port',
    `${gateway.name} of ${module} asks for port ${port} of its own, which no front door leads to`,
    "Leave the port out, and give the gateway a path of its contract: `@WebSocketGateway({ path: '/chat' })`.",
    { module },
  );
}

/** Adds the kit's filter before those of the class: Nest tries the last first, and asks none of the application's. */
function addFilter(gateway: Type): void {
  const filters = (Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, gateway) ?? []) as readonly unknown[];
  // several hosts of a process may have the class
  if (!filters.includes(FILTER)) Reflect.defineMetadata(EXCEPTION_FILTERS_METADATA, [FILTER, ...filters], gateway);
}

/** An error of a hook would end the process: Nest does not ask the filters. It ends the connection instead. */
function containHooks(gateway: Gateway): void {
  for (const name of ['handleConnection', 'handleDisconnect'] as const) {
    const hook = gateway[name];
    if (typeof hook !== 'function') continue;
    gateway[name] = async (client, ...rest) => {
      try {
        await hook.call(gateway, client, ...rest);
      } catch (error) {
        FILTER.ofGateway(client, error);
        if (name === 'handleConnection') endConnection(client, error instanceof FledgeError ? REFUSED : FAILED);
      }
    };
  }
}

function endConnection(client: Client, code: number): void {
  if (client.disconnect) client.disconnect(true);
  else client.close?.(code);
}

async function socketIo(app: INestApplication, module: string): Promise<WebSocketAdapter> {
  const name = '@nestjs/platform-socket.io';
  try {
    const { IoAdapter } = (await import(name)) as { IoAdapter: new (server: unknown) => WebSocketAdapter };
    return new IoAdapter(app.getHttpServer());
  } catch (error) {
    const failure = new StartupError(
      'gateway-adapter',
      `${module} has WebSocket gateways, no adapter, and ${name} cannot be loaded: ${(error as Error).message}`,
      `Install ${name}, or choose an adapter in beforeInit: \`app.useWebSocketAdapter(new WsAdapter(app))\`.`,
      { module },
    );
    failure.cause = error;
    throw failure;
  }
}
