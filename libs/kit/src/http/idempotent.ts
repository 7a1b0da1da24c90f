import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  Optional,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { DataSource } from 'typeorm';
import { currentContext, IDEMPOTENCY_KEY_CHARS_MAX, now } from '../boundary/index.js';
import { StartupError } from '../contract/index.js';
import { ModuleDataSource } from '../data/index.js';
import { IdempotencyKeyReused, InvalidRequest, RequestInFlight } from './errors.js';
import { ApiHeader } from './openapi-decorators.js';
import { type KeyedRequest, StoredAnswers } from './stored-answers.js';

/** Options of `@Idempotent`. */
export interface IdempotentOptions {
  /** Whether a request without the header is refused, with 400. Default: it runs as if there were no `@Idempotent`. */
  readonly required?: boolean;
  /**
   * Whether the handler runs in a transaction of its module, which also stores the answer: then the work is done exactly
   * once, even if the process ends in between. A handler that calls another module cannot be in one. Default: false.
   */
  readonly transaction?: boolean;
  /** How long a key and its answer are kept, in milliseconds, 1 second to 30 days. Default: one day. */
  readonly keepMs?: number;
}

const OPTIONS = 'fledge:idempotent';
const KEEP_DEFAULT_MS = 86_400_000;
const KEEP_MIN_MS = 1_000;
const KEEP_MAX_MS = 30 * KEEP_DEFAULT_MS;
const PRINTABLE = /^[\x20-\x7e]+$/;
/** Milliseconds beyond the time for a request for which a claim holds: a handler may end a little later. */
const CLAIM_GRACE_MS = 2_000;
/** For a request without a deadline, such as one that became a stream. */
const CLAIM_MAX_MS = 600_000;

/**
 * Answers a request that is sent again with the same `Idempotency-Key` as the first time, without doing its work again:
 * for routes that create or charge. The key belongs to the user who sends it; without a user, to requests of the same
 * content. Keys and answers are in the module's schema, so all replicas share them.
 *
 * While the first request runs, another one gets 409; a request with another target or body gets 422, a key that is not
 * 1 to 200 printable ASCII characters gets 400. Only an answer without an error is stored; after an error the request
 * may be sent again with the same key, so pass the key on to what must happen once (`@Headers('idempotency-key')`), or
 * use `transaction`. What is returned must be JSON; interceptors of the application also see the repeated answer, as a
 * plain object.
 * @throws StartupError for a module without tables, whose keys could be stored nowhere.
 */
export function Idempotent(options: IdempotentOptions = {}): MethodDecorator {
  const { keepMs = KEEP_DEFAULT_MS, required = false } = options;
  if (!(keepMs >= KEEP_MIN_MS && keepMs <= KEEP_MAX_MS))
    throw new RangeError(`keepMs of @Idempotent must be ${KEEP_MIN_MS} to ${KEEP_MAX_MS}, is ${keepMs}`);
  return applyDecorators(
    SetMetadata(OPTIONS, options),
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      required,
      description: `1 to ${IDEMPOTENCY_KEY_CHARS_MAX} printable characters of your choice: the same key gets the same answer, so a request can be sent again`,
    }),
  );
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
}

/** What is used of a response of either platform. */
interface Response {
  readonly statusCode: number;
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  getHeader(name: string): unknown;
}

/** Waits before a key is given back once more, in milliseconds, each by this longer than the one before; and how often. */
const RELEASE_AGAIN_MS = 200;
const RELEASES_MAX = 5;

@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger('http');
  private readonly answers: StoredAnswers;
  private readonly source: ModuleDataSource;

  constructor(
    private readonly reflector: Reflector,
    @Optional() source?: DataSource,
  ) {
    if (!(source instanceof ModuleDataSource))
      throw new StartupError(
        'idempotent',
        'a route has @Idempotent(), but its module has no tables to store keys in',
        'Give the module `entities` or `migrations`, or an event in its contract; or leave out @Idempotent().',
      );
    this.source = source;
    this.answers = new StoredAnswers(source);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const options = this.reflector.get<IdempotentOptions>(OPTIONS, context.getHandler());
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const key = keyOf(request, options.required === true);
    if (key === undefined) return next.handle();
    const keyed = keyedRequest(request, key);
    const claim = await this.answers.claim(keyed, claimMs(), options.keepMs ?? KEEP_DEFAULT_MS);
    if (claim.is === 'other') throw new IdempotencyKeyReused();
    if (claim.is === 'running') throw new RequestInFlight();
    if (claim.is === 'claimed') return of(await this.run(keyed, claim.claim, options, next, response));
    const { status, location, body } = claim.answer;
    response.status(status);
    response.header('idempotency-replayed', 'true');
    if (location !== null) response.header('location', location);
    return of(body === null ? undefined : (JSON.parse(body) as unknown));
  }

  private async run(
    keyed: KeyedRequest,
    claim: string,
    { transaction = false }: IdempotentOptions,
    next: CallHandler,
    response: Response,
  ): Promise<unknown> {
    const work = async (): Promise<unknown> => {
      const result: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const location = response.getHeader('location');
      const kept = await this.answers.answer(keyed, claim, {
        status: response.statusCode,
        location: typeof location === 'string' ? location : null,
        body: result === undefined ? null : JSON.stringify(result),
      });
      // rolls the work back: the same request has done it in the meantime
      if (!kept && transaction) throw new RequestInFlight();
      return result;
    };
    try {
      return await (transaction ? this.source.transaction(work) : work());
    } catch (error) {
      // the client needs the first error, and can soon send the request again
      await this.answers.release(keyed, claim).catch(() => void this.releaseLater(keyed, claim));
      throw error;
    }
  }

  /** Gives a key back that could not be given back at once, as when the database ended its connection. */
  private async releaseLater(keyed: KeyedRequest, claim: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      await sleep(RELEASE_AGAIN_MS * tries, undefined, { ref: false });
      try {
        return await this.answers.release(keyed, claim);
      } catch (failure) {
        if (tries < RELEASES_MAX) continue;
        // the claim runs out by itself
        return this.logger.warn(`an idempotency key could not be released: ${String(failure)}`);
      }
    }
  }
}

function keyOf({ headers }: Request, required: boolean): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined && !required) return undefined;
  if (typeof key === 'string' && key.length <= IDEMPOTENCY_KEY_CHARS_MAX && PRINTABLE.test(key)) return key;
  throw new InvalidRequest([
    {
      path: 'Idempotency-Key',
      rule: 'header',
      message:
        key === undefined
          ? 'is required here: send a new key with each new request, and the same one with a repetition'
          : `must be 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} printable ASCII characters`,
    },
  ]);
}

function keyedRequest({ method, url, originalUrl, body }: Request, key: string): KeyedRequest {
  const digest = createHash('sha256')
    .update(`${method} ${originalUrl ?? url}\n${JSON.stringify(body ?? null)}`)
    .digest('base64url');
  const subject = currentContext()?.identity?.subject;
  // without a user, somebody else's key must not reveal somebody else's answer
  return { scope: subject === undefined ? `content ${digest}` : `user ${subject}`, key, digest };
}

function claimMs(): number {
  const left = (currentContext()?.deadlineAt ?? Infinity) - now();
  return Math.ceil(Math.min(Math.max(left, 0) + CLAIM_GRACE_MS, CLAIM_MAX_MS));
}
