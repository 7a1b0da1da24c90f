import { createServer, type Server } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import type { Tracing } from '../boundary/index.js';
import { trustOf } from '../topology/index.js';
import type { RequestHandler } from './admission.js';
import { BodyTypes } from './body-types.js';
import { refuseUnroutable } from './problem.filter.js';
import { openRequestContexts } from './request-context.js';
import type { RequestMeter } from './request-meter.js';

/** What serves HTTP below Nest. */
export type PlatformName = 'fastify' | 'express';

/** What the HTTP side of a module needs to know. */
export interface PlatformOptions {
  readonly module: string;
  readonly bodyMaxBytes: number;
  readonly requestTimeoutMs: number;
  /** Which proxies name their clients truly, so that `request.ip` is what they say. Default: none. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Default: no spans. */
  readonly tracing?: Tracing | undefined;
  /** Default: requests are not counted. */
  readonly meter?: RequestMeter | undefined;
  /** Called with each route before it is made; may throw. `path` begins with a slash. */
  readonly onRoute: (methods: readonly string[], path: string) => void;
}

/** The HTTP side of a module's Nest application: it opens no port, and is handed requests by the listener. */
export interface HttpPlatform {
  readonly adapter: AbstractHttpAdapter<unknown, unknown, unknown> & HttpServer;
  readonly handleRequest: RequestHandler;
  /** When the hooks of the application have run, and Nest has not added its own body parsers yet. */
  configured(): void;
  /** When Nest has added its parsers and routes. */
  routed(): void;
  /** When all is made: resolves when requests can be handled. */
  ready(): Promise<void>;
}

/** Fastify, which every application of the kit has. */
export function fastifyPlatform(options: PlatformOptions): HttpPlatform {
  let entry: ServerEntry | undefined;
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyMaxBytes,
    ...(options.trustedProxies?.length && { trustProxy: trustOf(options.trustedProxies) }),
    // its types belong to the kit's version of Fastify; Nest's adapter may have another
    frameworkErrors: refuseUnroutable as never,
    // The host's listener owns the socket and emits what comes on it. This server listens only if a test asks it to, as
    // supertest does with `app.getHttpServer()`.
    serverFactory: (handler: RequestHandler) => {
      const server = createServer(handler);
      entry = new ServerEntry(() => server, handler);
      return server;
    },
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  // before Nest adds its own hooks, so that middleware also runs in the context of its request
  openRequestContexts(fastify, options.module, options.requestTimeoutMs, options.tracing, options.meter);
  fastify.addHook('onRoute', ({ method, url }) => {
    // the answer to preflights of any path
    if (url !== '*') options.onRoute([method].flat(), `/${url.replace(/^\/+|\/+$/g, '')}`);
  });
  const bodyTypes = new BodyTypes(fastify);
  return {
    adapter: adapter as never,
    handleRequest: (request, response) => entry?.handle(request, response),
    configured: () => bodyTypes.noteAsked(),
    routed: () => bodyTypes.dropOthers(),
    ready: async () => {
      await fastify.ready();
      entry?.ready();
    },
  };
}

/**
 * The entry of a module's server, on which no request comes by itself. Requests go straight to the platform, unless
 * something has put itself before it at the server, as Socket.IO does. Who only listens there, too, is left out: to
 * Apollo's drain, a request would mean a connection to keep until the server tells of its end.
 */
export class ServerEntry {
  private isTaken = false;

  constructor(
    private readonly server: () => Server,
    private readonly platform: RequestHandler,
  ) {}

  readonly handle: RequestHandler = (request, response) => {
    if (this.isTaken) this.server().emit('request', request, response);
    else this.platform(request, response);
  };

  /** When all that attaches to the server has done so. */
  ready(): void {
    this.isTaken = this.server().listeners('request')[0] !== this.platform;
  }
}
