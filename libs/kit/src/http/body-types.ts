import type { FastifyInstance, FastifyRequest } from 'fastify';

type Done = (error: Error | null, body?: unknown) => void;
type Parser = (request: FastifyRequest, body: unknown, done: Done) => unknown;

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
    this.takeEmptyBodies();
  }

  /**
   * Lets every parser that is added from now on take an empty body as none. Only a parser can tell that a body in
   * chunks is empty; proxies pass such a body on with a length of 0.
   */
  private takeEmptyBodies(): void {
    const { fastify } = this;
    const add = fastify.addContentTypeParser as (...given: unknown[]) => FastifyInstance;
    // of the instance on which it is called: a plugin adds its parsers to its own
    fastify.addContentTypeParser = function (this: FastifyInstance, ...given: unknown[]): FastifyInstance {
      const parser = given.pop() as Parser;
      return add.call(this, ...given, (request: FastifyRequest, body: unknown, done: Done) =>
        (Buffer.isBuffer(body) || typeof body === 'string') && body.length === 0
          ? done(null)
          : parser(request, body, done),
      );
    } as never;
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
