import { type IncomingMessage, METHODS, type Server, type ServerResponse } from 'node:http';
import { UnsupportedMediaTypeException } from '@nestjs/common';
import { StartupError } from '../contract/index.js';
import { now, RequestContext, runInContext } from '../boundary/index.js';
import { trustOf } from '../topology/index.js';
import { type HttpPlatform, type PlatformOptions, ServerEntry } from './platform.js';
import { endWithResponse, requestSpanOf } from './request-context.js';
import { measure } from './request-meter.js';
import { RequestDeadline } from './request-deadline.js';
import { BODY_MAX, type NotedRoutes, ROUTES, routeOf } from './route-methods.js';
import { whenStreaming } from './server-response.js';
import { traceparentOf } from './trace.js';

type Next = (error?: unknown) => void;
type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

/** What Express adds to a request; the route once it has found one. */
type RoutedRequest = IncomingMessage & { readonly protocol: string; readonly route?: { readonly path: string } };

/** What the kit uses of an Express application. */
interface ExpressApplication {
  (request: IncomingMessage, response: ServerResponse): void;
  use(middleware: Middleware): void;
  set(name: string, value: unknown): void;
}

/**
 * Express, loaded only by an application that asks for it.
 * @throws StartupError if its package is not installed.
 */
export async function expressPlatform(options: PlatformOptions): Promise<HttpPlatform> {
  const { ExpressAdapter } = await loaded();
  const adapter = new ExpressAdapter();
  const express = adapter.getInstance<ExpressApplication>();
  // the header would tell every client which software runs
  express.set('x-powered-by', false);
  if (options.trustedProxies?.length) express.set('trust proxy', trustOf(options.trustedProxies));
  express.set(BODY_MAX, options.bodyMaxBytes);
  // first of all, so that middleware also runs in the context of its request
  express.use(contextOf(options));
  noteRoutes(adapter as unknown as Record<string, unknown>, express, options);
  const entry = new ServerEntry(() => adapter.getHttpServer() as Server, express);
  return {
    adapter: adapter as never,
    handleRequest: entry.handle,
    configured: () => {
      // `strict` would take only lists and objects, as Fastify does not
      adapter.useBodyParser('json', true, { limit: options.bodyMaxBytes, strict: false });
      express.use(refuseOtherBodies);
    },
    routed: () => undefined,
    ready: () => Promise.resolve(entry.ready()),
  };
}

async function loaded(): Promise<typeof import('@nestjs/platform-express')> {
  try {
    return await import('@nestjs/platform-express');
  } catch (error) {
    const failure = new StartupError(
      'platform',
      `the application runs on Express, and @nestjs/platform-express cannot be loaded: ${(error as Error).message}`,
      "Install it with `npm install @nestjs/platform-express`, or leave out `platform: 'express'`.",
    );
    failure.cause = error;
    throw failure;
  }
}

/** Opens the outermost context of each request, as `openRequestContexts` does for Fastify. */
function contextOf({ module, requestTimeoutMs, tracing, meter }: PlatformOptions): Middleware {
  return (request, response, next) => {
    // Express looks for the route only later
    const { protocol } = request as RoutedRequest;
    const span = tracing?.request(request.headers, requestSpanOf(request, protocol, undefined, module));
    const context = new RequestContext(
      module,
      now() + requestTimeoutMs,
      span ? span.trace : traceparentOf(request.headers),
      request.headers.authorization,
    );
    if (span) endWithResponse(span, response);
    if (meter)
      measure(meter, request, response, {
        module,
        trace: span?.trace,
        routeOf: () => (request as RoutedRequest).route?.path,
      });
    if (request.method === 'GET' || request.method === 'HEAD') {
      response.on('close', () => {
        if (!response.writableFinished) context.cancel();
      });
    }
    whenStreaming(response, () => context.becomeStream());
    RequestDeadline.watch(context, requestTimeoutMs, request, response);
    response.setHeader('x-correlation-id', context.correlationId);
    if (span) span.run(() => runInContext(context, next));
    else runInContext(context, next);
  };
}

/** A request whose body nobody has read, and so cannot be understood. Multipart is read by interceptors, later. */
const refuseOtherBodies: Middleware = (request, _response, next) => {
  const parsed = request as { body?: unknown };
  const { headers } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && parsed.body === undefined && !/^multipart\//i.test(headers['content-type'] ?? ''))
    return next(new UnsupportedMediaTypeException());
  // the parser turns an absent body into an empty object
  if (!hasBody) parsed.body = undefined;
  next();
};

/** Calls `onRoute`, and records which methods the paths support, for `methodsTaken`. */
function noteRoutes(adapter: Record<string, unknown>, express: ExpressApplication, options: PlatformOptions): void {
  const routes: NotedRoutes = new Map();
  express.set(ROUTES, routes);
  for (const method of ['ALL', ...METHODS]) {
    const name = method.toLowerCase();
    const add = adapter[name];
    if (typeof add !== 'function') continue;
    adapter[name] = (...args: unknown[]): unknown => {
      const [path] = args;
      if (typeof path === 'string' && args.length > 1) {
        options.onRoute([method], `/${path.replace(/^\/+|\/+$/g, '')}`);
        const { methods } = routeOf(routes, path);
        // Express answers HEAD by the route of GET
        for (const one of method === 'ALL' ? METHODS : method === 'GET' ? ['GET', 'HEAD'] : [method]) methods.add(one);
      }
      return (add as (...all: unknown[]) => unknown).apply(adapter, args);
    };
  }
}
