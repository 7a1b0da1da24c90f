import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Frame, now, runInFrame } from '../boundary/index.js';

// W3C Trace Context, version 00; an all-zero id is no id.
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Opens the outermost frame of each request: its deadline, its trace, its cancellation. A reader that goes away cancels what it
 * asked for; a write that was sent goes on, since half of it may be done.
 */
export function openRequestFrames(fastify: FastifyInstance, module: string, requestTimeoutMs: number): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const frame = new Frame(module, 'http', now() + requestTimeoutMs, undefined, traceOf(request), undefined);
    if (request.method === 'GET' || request.method === 'HEAD') {
      reply.raw.once('close', () => {
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

function traceOf(request: FastifyRequest): string | undefined {
  const header = request.headers.traceparent;
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}
