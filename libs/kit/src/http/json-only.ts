import type { FastifyInstance } from 'fastify';

/**
 * What Fastify, and Nest for it, would take besides JSON, though no DTO can be made of text and every field of a form
 * is text.
 */
const TYPES = ['text/plain', 'application/x-www-form-urlencoded'];

/** Bodies are JSON: any other type is answered with 415. Call when Nest has registered its parsers. */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  fastify.removeContentTypeParser(TYPES);
}
