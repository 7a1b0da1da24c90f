import type { FastifyInstance } from 'fastify';
import { CallContext, now, runInContext } from '../boundary/index.js';
import { noteMethods } from './route-methods.js';
import { traceparentOf } from './trace.js';

/**
 * Opens the outermost context of each request: its deadline, its trace, its cancellation. A reader that goes away
 * cancels what it asked for; a write that was sent goes on, since half of it may be done. Which methods each path takes
 * is noted as well, for those who come with another.
 */
export function openRequestContexts(fastify: FastifyInstance, module: string, requestTimeoutMs: number): void {
  noteMethods(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    const context = new CallContext(
      module,
      'http',
      now() + requestTimeoutMs,
      undefined,
      traceparentOf(request.headers),
      undefined,
    );
    if (request.method === 'GET' || request.method === 'HEAD') {
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) context.cancel();
      });
    }
    void reply.header('x-correlation-id', context.correlationId);
    runInContext(context, done);
  });
  // Fastify closes the connection on a body that it refuses. What is unread then resets it, and the client may lose its
  // answer: Node reads the rest and lets it go instead, within the time that a request has.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    void reply.removeHeader('connection');
    done(null, payload);
  });
}
