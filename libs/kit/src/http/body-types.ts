import type { FastifyInstance } from 'fastify';

/**
 * What Fastify, and Nest for it, would take besides JSON, though no DTO can be made of text and every field of a form
 * is text.
 */
const OTHERS = ['text/plain', 'application/x-www-form-urlencoded'] as const;

/**
 * Bodies are JSON; any other type is answered with 415, unless the application asks for it by `app.useBodyParser`. A
 * request without a body may say that it is JSON, as many clients do.
 */
export class BodyTypes {
  private asked: readonly string[] = [];

  /** Before the application can ask for a type. */
  constructor(private readonly fastify: FastifyInstance) {
    fastify.removeContentTypeParser('text/plain');
    fastify.addHook('onRequest', ({ headers }, _reply, done) => {
      const length = headers['content-length'];
      if (
        headers['content-type'] !== undefined &&
        (length === '0' || (length === undefined && headers['transfer-encoding'] === undefined))
      )
        delete headers['content-type'];
      done();
    });
  }

  /** When the application has asked for what it wants, and Nest has not registered its own parsers yet. */
  noteAsked(): void {
    this.asked = OTHERS.filter((type) => this.fastify.hasContentTypeParser(type));
  }

  /** When Nest has registered its parsers. */
  dropOthers(): void {
    this.fastify.removeContentTypeParser(OTHERS.filter((type) => !this.asked.includes(type)));
  }
}
