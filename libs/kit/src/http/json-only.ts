import type { FastifyInstance } from 'fastify';

/** Bodies are JSON: text, which Fastify would take and no DTO can be made of, is answered with 415 like any other type. */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  fastify.removeContentTypeParser('text/plain');
}
