import type { FastifyInstance } from 'fastify';
import { Frame, now, runInFrame } from '../boundary/index.js';
import { noteMethods } from './route-methods.js';
import { traceparentOf } from './trace.js';

/**
 * Opens the outermost frame of each request: its deadline, its trace, its cancellation. A reader that goes away cancels what it
 * asked for; a write that was sent goes on, since half of it may be done. Which methods each
 * path takes is noted as well, for those who come with another.
 */
export function openRequestFrames(fastify: FastifyInstance, module: string, requestTimeoutMs: number): void {
  noteMethods(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    const frame = new Frame(module, 'http', now() + requestTimeoutMs, undefined, traceparentOf(request.headers), undefined);
    if (request.method === 'GET' || request.method === 'HEAD') {
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) frame.cancel();
      });
    }
    void reply.header('x-correlation-id', frame.correlationId);
    runInFrame(frame, done);
  });
  // Fastify closes the connection on a body that it refuses. What is unread then resets it, and the client may lose its answer:
  // Node reads the rest and lets it go instead, within the time that a request has.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    void reply.removeHeader('connection');
    done(null, payload);
  });
}
