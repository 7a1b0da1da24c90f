import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { now, RequestContext, type RequestSpan, runInContext, type SpanSpec, type Tracing } from '../boundary/index.js';
import { measure, knownMethod, type RequestMeter } from './request-meter.js';
import { RequestDeadline } from './request-deadline.js';
import { noteMethods } from './route-methods.js';
import { whenStreaming } from './server-response.js';
import { traceparentOf } from './trace.js';

/**
 * Opens the outermost context of each request: its deadline, its trace, its cancellation. When a client disconnects,
 * its read is cancelled; a write continues, since half of it may be done. Also records the methods that each path
 * supports, for the answer to any other method. With tracing, each request is a span.
 */
export function openRequestContexts(
  fastify: FastifyInstance,
  module: string,
  requestTimeoutMs: number,
  tracing?: Tracing,
  meter?: RequestMeter,
): void {
  noteMethods(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    const route = request.is404 ? undefined : request.routeOptions.url;
    const span = tracing?.request(request.headers, requestSpanOf(request.raw, request.protocol, route, module));
    const context = new RequestContext(
      module,
      now() + requestTimeoutMs,
      span ? span.trace : traceparentOf(request.headers),
      request.headers.authorization,
    );
    if (span) endWithResponse(span, reply.raw);
    if (meter) measure(meter, request.raw, reply.raw, { module, trace: span?.trace, routeOf: () => route });
    if (request.method === 'GET' || request.method === 'HEAD') {
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) context.cancel();
      });
    }
    whenStreaming(reply.raw, () => context.becomeStream());
    RequestDeadline.watch(context, requestTimeoutMs, request.raw, reply.raw);
    void reply.header('x-correlation-id', context.correlationId);
    if (span) span.run(() => runInContext(context, done));
    else runInContext(context, done);
  });
  // Fastify closes the connection when it refuses a body. Unread data then resets the connection, and the client may
  // lose its answer. Instead, Node reads and discards the rest, within the time limit of a request.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    void reply.removeHeader('connection');
    done(null, payload);
  });
}

/** The attributes of a request's span, by the conventions for HTTP. The query is left out: it may hold anything. */
export function requestSpanOf(
  { method = '', url = '', headers, httpVersion, socket }: IncomingMessage,
  scheme: string,
  route: string | undefined,
  module: string,
): SpanSpec {
  const known = knownMethod(method) === method;
  const [address, port] = hostOf(headers.host ?? '');
  return {
    name: `${known ? method : 'HTTP'}${route === undefined ? '' : ` ${route}`}`,
    kind: 'server',
    attributes: {
      'http.request.method': known ? method : '_OTHER',
      ...(known ? {} : { 'http.request.method_original': method }),
      ...(route !== undefined && { 'http.route': route }),
      'url.path': url.split('?', 1)[0] ?? '',
      'url.scheme': scheme,
      'network.protocol.version': httpVersion,
      ...(address && { 'server.address': address }),
      ...(port && { 'server.port': Number(port) }),
      ...(socket.remoteAddress !== undefined && { 'network.peer.address': socket.remoteAddress }),
      ...(headers['user-agent'] !== undefined && { 'user_agent.original': headers['user-agent'] }),
      'fledge.module': module,
    },
  };
}

function hostOf(header: string): readonly [address: string | undefined, port: string | undefined] {
  const [, address, port] = /^(.+?)(?::(\d+))?$/.exec(header) ?? [];
  return [address, port];
}

/** Ends a request's span with its response. */
export function endWithResponse(span: RequestSpan, response: ServerResponse): void {
  response.on('close', () => span.end(response.writableFinished ? response.statusCode : undefined));
}
