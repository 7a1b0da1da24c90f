import type { FastifyInstance } from 'fastify';

/**
 * What Fastify and Nest accept besides JSON, although text cannot become a DTO, and all fields of a form are strings.
 */
const TYPES = ['text/plain', 'application/x-www-form-urlencoded'];

/** Bodies are JSON: any other type gets a 415. Call it after Nest has registered its parsers. */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  fastify.removeContentTypeParser(TYPES);
}
