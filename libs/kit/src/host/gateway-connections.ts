import type { IncomingMessage } from 'node:http';
import type { WebSocketAdapter, WsMessageHandler } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { isObservable, type Observable } from 'rxjs';
import { RequestContext, runInContext } from '../boundary/index.js';
import { traceparentOf } from '../http/index.js';
import { enhanceIn } from './gateway-enhancers.js';
import { streamInContext } from './stream-in-context.js';

type Callback = (...args: unknown[]) => unknown;
type Transform = (result: unknown) => Observable<unknown>;

/** What is read of a connected client of Socket.IO. With `ws`, the request is an argument of its own. */
interface Client {
  readonly request?: IncomingMessage;
  readonly handshake?: { readonly auth?: { readonly token?: unknown } };
}

/**
 * The connections of a module's gateways. What a client does on one runs in contexts of the module: one for
 * `handleConnection`, and one for each message, with the identity and the values that the connection has by then.
 */
export class GatewayConnections {
  /** The adapter of the application, which does all else. */
  readonly adapter: WebSocketAdapter;
  private readonly contexts = new WeakMap<object, RequestContext>();
  private readonly running = new Set<Promise<unknown>>();
  private readonly servers = new Map<object, Promise<unknown> | undefined>();

  /** @param onServer is told the path of each server; may throw. */
  constructor(
    private readonly module: string,
    private readonly config: ApplicationConfig,
    private readonly inner: WebSocketAdapter,
    private readonly onServer: (path: string) => void,
  ) {
    const own: Readonly<Record<string, unknown>> = {
      create: this.create.bind(this),
      bindClientConnect: this.bindClientConnect.bind(this),
      ...(inner.bindClientDisconnect && { bindClientDisconnect: this.bindClientDisconnect.bind(this) }),
      bindMessageHandlers: this.bindMessageHandlers.bind(this),
      close: this.close.bind(this),
    };
    this.adapter = new Proxy(inner, {
      get: (target, name) => {
        if (typeof name === 'string' && Object.hasOwn(own, name)) return own[name];
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as Callback).bind(target) : value;
      },
    });
  }

  /** Resolves when the handlers that run now have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.running]);
  }

  /** Closes all servers, and with them the requests of clients that poll. */
  async close(server?: object): Promise<void> {
    if (server === undefined) return void (await Promise.all([...this.servers.keys()].map((one) => this.close(one))));
    let closed = this.servers.get(server);
    // both the drain and Nest close it
    if (!closed) this.servers.set(server, (closed = Promise.resolve(this.inner.close(server))));
    await closed;
  }

  private create(port: number, options?: { readonly path?: string }): object {
    const server = this.inner.create(port, options) as object;
    this.servers.set(server, undefined);
    this.onServer(pathOf(server) ?? options?.path ?? '/');
    return server;
  }

  private bindClientConnect(server: object, callback: Callback): void {
    this.inner.bindClientConnect(server, (...args: unknown[]) => {
      const [client, request] = args as [Client, IncomingMessage | undefined];
      let context = this.contexts.get(client);
      // several gateways may have the same client
      if (!context) this.contexts.set(client, (context = this.contextOf(client, request ?? client.request)));
      return runInContext(context, () => callback(...args));
    });
  }

  private bindClientDisconnect(client: object, callback: Callback): void {
    this.inner.bindClientDisconnect?.(client, (...args: unknown[]) =>
      runInContext(this.nextContext(client), () => callback(...args)),
    );
  }

  private bindMessageHandlers(client: object, handlers: WsMessageHandler[], transform: Transform): void {
    this.inner.bindMessageHandlers(
      client,
      handlers.map((handler) => ({ ...handler, callback: this.inContext(client, handler.callback as Callback) })),
      transform,
    );
  }

  private inContext(client: object, callback: Callback): (...args: unknown[]) => Promise<unknown> {
    return (...args) => {
      const context = this.nextContext(client);
      const work = runInContext(context, async () => callback(...args)).finally(() => this.running.delete(work));
      this.running.add(work);
      return work.then((result) => (isObservable(result) ? streamInContext(result, context) : result));
    };
  }

  private contextOf({ handshake }: Client, request: IncomingMessage | undefined): RequestContext {
    const token = handshake?.auth?.token;
    // a script in a browser cannot set the header
    const authorization = request?.headers.authorization ?? (typeof token === 'string' ? `Bearer ${token}` : undefined);
    return new RequestContext(this.module, Infinity, request && traceparentOf(request.headers), authorization, 'ws');
  }

  /** The context of the next work of a client. */
  private nextContext(client: object): RequestContext {
    const opened = this.contexts.get(client);
    const context = new RequestContext(this.module, Infinity, undefined, opened?.authorization, 'ws');
    context.identity = opened?.identity;
    context.values = opened?.values;
    enhanceIn(context, this.config);
    return context;
  }
}

/** The path of a server of `ws`, which is a field, or of Socket.IO, which is a method. */
function pathOf(server: { readonly path?: unknown }): string | undefined {
  const path: unknown = typeof server.path === 'function' ? (server.path as () => unknown)() : server.path;
  return typeof path === 'string' ? path : undefined;
}
