import { STATUS_CODES } from 'node:http';
import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { currentContext } from '../boundary/index.js';
import { FledgeError, ModuleFault, type Outcome } from '../contract/index.js';
import { DatabaseInterrupted, passingOutcome } from '../data/index.js';
import { fieldError, isGraphQlError } from './graphql-answer.js';
import { FAULT_DETAIL, httpProblem, isOfTheInside, type Problem, PROBLEM_TYPE, problemOf } from './problem.js';
import { isRpcException, rpcAnswer } from './rpc-answer.js';
import { BODY_MAX, methodsTaken } from './route-methods.js';
import { correlationIdOf } from './trace.js';
import { type ExceptionCause, type GatewayClient, tellClient } from './ws-answer.js';

/** How an `HttpException` is answered: `always` as a problem, `own` with the body that it has, as Nest does. */
export type ProblemMode = 'always' | 'own';

/**
 * Answers every error with a problem (RFC 9457). An unexpected error becomes a 500 without its text, which is logged
 * under the correlation id that the client gets; a temporary database failure becomes a 503, after which the request
 * may be sent again. A method that a path does not support gets a 405, and `Allow` lists those it does.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');
  private readonly patterns = new Logger('patterns');
  private readonly gateways = new Logger('gateways');
  private readonly resolvers = new Logger('graphql');

  constructor(private readonly mode: ProblemMode = 'always') {}

  catch(error: unknown, host: ArgumentsHost): void | Observable<never> | Error {
    const type = host.getType<string>();
    // handlers of patterns have this filter, too, if their transport inherits the configuration of the application
    if (type === 'rpc') return this.ofPattern(error);
    if (type === 'ws') {
      const ws = host.switchToWs();
      return this.ofGateway(ws.getClient(), error, { pattern: ws.getPattern(), data: ws.getData() as unknown });
    }
    if (type === 'graphql') return this.ofResolver(error);
    const reply = host.switchToHttp().getResponse<FastifyReply & { readonly headersSent?: boolean }>();
    // the response of Express has the first
    if (reply.headersSent ?? (reply.sent || reply.raw.headersSent)) return;
    const correlationId = currentContext()?.correlationId ?? 'none';
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const allowed = isUnrouted(request, error) ? methodsTaken(request) : [];
    if (this.mode === 'own' && error instanceof HttpException && allowed.length === 0) {
      void reply.status(error.getStatus()).send(bodyOf(error));
      return;
    }
    const problem =
      allowed.length > 0 ? notAllowed(request, allowed, correlationId) : this.problem(error, request, correlationId);
    if (problem.status === 405) void reply.header('allow', allowed.join(', '));
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
    const retryAfter = retryAfterOf(error) ?? (problem.status === 503 ? 1 : undefined);
    if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter));
    void reply.status(problem.status).type(PROBLEM_TYPE).send(problem);
  }

  private ofPattern(error: unknown): Observable<never> {
    const correlationId = currentContext()?.correlationId ?? 'none';
    const known = error instanceof FledgeError ? error : undefined;
    if (!isRpcException(error) && (known === undefined || known.kind === 'internal'))
      this.log(error, correlationId, this.patterns);
    return rpcAnswer(error, known, correlationId);
  }

  /**
   * Tells the client of a gateway.
   * @internal
   */
  ofGateway(client: GatewayClient, error: unknown, cause?: ExceptionCause): void {
    const correlationId = currentContext()?.correlationId ?? 'none';
    tellClient(client, this.noted(error, correlationId, this.gateways), correlationId, cause);
  }

  /** What a filter returns for a resolver becomes the error of its field. */
  private ofResolver(error: unknown): Error {
    const correlationId = currentContext()?.correlationId ?? 'none';
    // these two say themselves what the client is told
    const isOwn = isGraphQlError(error) || error instanceof HttpException;
    return fieldError(isOwn ? error : this.noted(error, correlationId, this.resolvers), correlationId);
  }

  /** Logs what the client is not told. @returns the error to tell of. */
  private noted(error: unknown, correlationId: string, logger: Logger): unknown {
    const outcome = passingOutcome(error);
    if (outcome !== undefined) return this.interrupted(error as Error, outcome, correlationId, logger);
    // the called module has logged a `ModuleFault`
    const isFault =
      error instanceof FledgeError
        ? error.kind === 'internal' && !(error instanceof ModuleFault)
        : !isRpcException(error);
    if (isFault) this.log(error, correlationId, logger);
    else if (error instanceof FledgeError && error.kind !== 'internal' && isOfTheInside(error))
      logger.warn(`[${correlationId}] ${error.message}`);
    return error;
  }

  private problem(error: unknown, request: FastifyRequest, correlationId: string): Problem {
    if (error instanceof FledgeError) {
      // The called module has logged the fault under the correlation id of this request.
      if (error.kind === 'internal' && !(error instanceof ModuleFault)) this.log(error, correlationId);
      // its text names modules or databases: the log gets it, the client does not
      else if (isOfTheInside(error)) this.logger.warn(`[${correlationId}] ${error.message}`);
      return problemOf(error, correlationId);
    }
    if (error instanceof HttpException)
      return {
        ...httpProblem(error.getStatus(), codeOf(error.getStatus()), helpful(textOf(error), request), correlationId),
        ...fieldsOf(error),
      };
    const status = statusOf(error);
    if (status !== undefined)
      return httpProblem(status, codeOf(status), helpful((error as Error).message, request), correlationId);
    const outcome = passingOutcome(error);
    if (outcome !== undefined)
      return problemOf(this.interrupted(error as Error, outcome, correlationId, this.logger), correlationId);
    this.log(error, correlationId);
    return httpProblem(500, 'fledge.internal', FAULT_DETAIL, correlationId);
  }

  /** The module's database interrupted the work for a temporary reason: not a fault, and worth another try. */
  private interrupted(cause: Error, outcome: Outcome, correlationId: string, logger: Logger): DatabaseInterrupted {
    logger.warn(`[${correlationId}] the database interrupted the work (${outcome}): ${cause.message}`);
    const context = currentContext();
    const said = context?.hasEffects ? 'unknown' : outcome;
    return new DatabaseInterrupted(context?.module ?? 'the module', said, { cause });
  }

  private log(error: unknown, correlationId: string, logger: Logger = this.logger): void {
    logger.error(`[${correlationId}] ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** When to try again, in seconds, if the error says so in a field. */
function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof FledgeError)) return undefined;
  const { retryAfterSeconds } = error.data as { readonly retryAfterSeconds?: unknown };
  return typeof retryAfterSeconds === 'number' ? Math.ceil(retryAfterSeconds) : undefined;
}

/** Whether no route took the request. Express does not say so itself; its last handler throws a 404. */
function isUnrouted(request: FastifyRequest & { readonly route?: unknown }, error: unknown): boolean {
  return request.is404 ?? (request.route === undefined && error instanceof NotFoundException);
}

function notAllowed({ method, url }: FastifyRequest, allowed: readonly string[], correlationId: string): Problem {
  return httpProblem(
    405,
    codeOf(405),
    `${url.split('?', 1)[0] ?? ''} takes ${allowed.join(', ')}, not ${method}`,
    correlationId,
  );
}

/** Answers requests that the router refuses before any filter runs: a path that cannot be decoded, or is too long. */
export function refuseUnroutable(
  error: Error & { readonly statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const status = statusOf(error) ?? 400;
  const correlationId = correlationIdOf(request.headers);
  void reply
    .status(status)
    .header('x-correlation-id', correlationId)
    .type(PROBLEM_TYPE)
    .send(httpProblem(status, codeOf(status), error.message, correlationId));
}

/** The types of errors of Express's body parsers. */
const OF_A_PARSER = /^(?:entity|request|encoding|charset|parameters|stream)\./;

/**
 * The status that Fastify and the body parsers of Express assign to their own errors (a malformed body, one too large,
 * an unknown media type): only those of the client.
 */
function statusOf(error: unknown): number | undefined {
  const { statusCode, code, type } = (error ?? {}) as { statusCode?: unknown; code?: unknown; type?: unknown };
  // the text of other errors, such as a storage client's, must not reach the client
  const isOfTheServer =
    (typeof code === 'string' && code.startsWith('FST_')) || (typeof type === 'string' && OF_A_PARSER.test(type));
  return isOfTheServer && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? statusCode
    : undefined;
}

/** The server's error text for a body, with what to send instead. */
function helpful(text: string, request: FastifyRequest & Partial<Pick<ExpressRequest, 'app'>>): string {
  if (/^request (?:body is|entity) too large$/i.test(text)) {
    const max = request.app ? request.app.get(BODY_MAX) : request.routeOptions.bodyLimit;
    return `the body is larger than the ${String(max)} bytes that are accepted here`;
  }
  if (text === 'Unsupported Media Type') return 'the body must be JSON, sent with the content-type application/json';
  return text;
}

/** What is read of a request of Express. */
interface ExpressRequest {
  readonly app: { get(name: string): unknown };
}

const CODES: Readonly<Record<number, string>> = {
  400: 'fledge.bad-request',
  401: 'fledge.unauthenticated',
  403: 'fledge.forbidden',
  404: 'fledge.not-found',
  405: 'fledge.method-not-allowed',
  409: 'fledge.conflict',
  413: 'fledge.body-too-large',
  414: 'fledge.path-too-long',
  415: 'fledge.unsupported-media-type',
  429: 'fledge.too-many-requests',
  503: 'fledge.unavailable',
};

function codeOf(status: number): string {
  return CODES[status] ?? `fledge.http-${status}`;
}

/** The body that Nest answers an exception with. */
function bodyOf(error: HttpException): object {
  const response: unknown = error.getResponse();
  if (isObject(response)) return response;
  const { errorCode } = error as { errorCode?: unknown };
  return { statusCode: error.getStatus(), message: response, ...(errorCode !== undefined && { errorCode }) };
}

/** The fields of an exception's body besides its status and its text, under `data`: nothing that it says is lost. */
function fieldsOf(error: HttpException): Pick<Problem, 'data'> {
  const response: unknown = error.getResponse();
  if (!isObject(response) || isTexts(response)) return {};
  const {
    statusCode,
    message,
    error: name,
    ...data
  } = Array.isArray(response) ? { list: response } : (response as Record<string, unknown>);
  if (statusCode !== undefined && statusCode !== error.getStatus()) data.statusCode = statusCode;
  // unless it is the name of the status, it is the application's own
  if (name !== undefined && name !== STATUS_CODES[error.getStatus()]) data.error = name;
  if (message !== undefined && typeof message !== 'string' && !isTexts(message)) data.message = message;
  const told = Object.entries(data).filter(([, value]) => canBeJson(value));
  return told.length > 0 ? { data: Object.fromEntries(told) } : {};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** A cycle or a `BigInt` must not turn the answer into a 500. */
function canBeJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

function textOf(error: HttpException): string {
  const response: unknown = error.getResponse();
  const message = isObject(response) && !isTexts(response) ? (response as { message?: unknown }).message : response;
  return isTexts(message) ? message.join('; ') : typeof message === 'string' ? message : error.message;
}
