import type { FastifyInstance } from 'fastify';
import { now, RequestContext, runInContext } from '../boundary/index.js';
import { noteMethods } from './route-methods.js';
import { whenStreaming } from './server-response.js';
import { traceparentOf } from './trace.js';

/**
 * Opens the outermost context of each request: its deadline, its trace, its cancellation. When a client disconnects,
 * its read is cancelled; a write continues, since half of it may be done. Also records the methods that each path
 * supports, for the answer to any other method.
 */
export function openRequestContexts(fastify: FastifyInstance, module: string, requestTimeoutMs: number): void {
  noteMethods(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    const context = new RequestContext(module, now() + requestTimeoutMs, traceparentOf(request.headers));
    if (request.method === 'GET' || request.method === 'HEAD') {
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) context.cancel();
      });
    }
    whenStreaming(reply.raw, () => context.becomeStream());
    void reply.header('x-correlation-id', context.correlationId);
    runInContext(context, done);
  });
  // Fastify closes the connection when it refuses a body. Unread data then resets the connection, and the client may
  // lose its answer. Instead, Node reads and discards the rest, within the time limit of a request.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    void reply.removeHeader('connection');
    done(null, payload);
  });
}
