import {
  applyDecorators,
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { InvalidRequest, PreconditionFailed } from './errors.js';
import { ApiHeader } from './openapi-decorators.js';

/** Says which version of a resource an answer shows: anything that differs after each change. */
export type VersionOf<T> = (result: T) => string | number | Date;

const VERSION_OF = 'fledge:version-of';
/** The characters of a tag (RFC 9110, 8.8.3). */
const TAG = /^[\x21\x23-\x7e]{1,200}$/;
const LIST = /^\s*(?:\*|(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*)\s*$/;
const EACH = /(W\/)?"([\x21\x23-\x7e]*)"/g;

/**
 * Gives the answers of a route an `ETag`, made of a version of what they show. A GET or HEAD with an `If-None-Match`
 * that names it gets 304, without a body. Beside `@IfMatch()` on the routes that change the resource, it lets a client
 * change only what it has seen. Beside `@Idempotent()`, write it above: the tag of a repeated answer is made anew.
 */
export function EntityTag<T>(versionOf: VersionOf<T>): MethodDecorator {
  return applyDecorators(SetMetadata(VERSION_OF, versionOf), UseInterceptors(EntityTagInterceptor));
}

const IF_MATCH = 'The ETag of the version that is to be changed; 412 if it has been changed since';

/** What the request requires of the version that it changes. */
export interface Precondition {
  /** Whether the request requires anything. */
  readonly isGiven: boolean;
  /**
   * Checks the current version, of which `@EntityTag` also makes the tag. Call it where no other change can come in
   * between: with the row locked, in the transaction of the change.
   * @throws PreconditionFailed (412) if the request is about another version.
   */
  check(current: string | number | Date): void;
}

/**
 * The `If-Match` header of a request, as a `Precondition`, for a parameter of a controller's method. Without the header
 * every version will do. @throws InvalidRequest for a header that is no list of tags.
 */
export const IfMatch = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Precondition => {
    const { headers } = context.switchToHttp().getRequest<{ headers: Readonly<Record<string, string | undefined>> }>();
    return preconditionOf(headers['if-match']);
  },
  [
    (target, method) => {
      if (method === undefined) return;
      const descriptor = Object.getOwnPropertyDescriptor(target, method) as PropertyDescriptor;
      ApiHeader({ name: 'If-Match', required: false, description: IF_MATCH })(target, method, descriptor);
    },
  ],
);

function preconditionOf(header: string | undefined): Precondition {
  if (header === undefined) return { isGiven: false, check: () => undefined };
  const tags = tagsOf(header);
  if (tags === undefined)
    throw new InvalidRequest([
      {
        path: 'If-Match',
        rule: 'header',
        message: 'must be `*`, or entity tags in double quotes, separated by commas',
      },
    ]);
  return {
    isGiven: true,
    check: (current) => {
      // a weak tag says nothing of the exact version (RFC 9110, 13.1.1)
      if (tags !== '*' && !tags.some(({ isWeak, tag }) => !isWeak && tag === tagOf(current)))
        throw new PreconditionFailed();
    },
  };
}

interface Tag {
  readonly isWeak: boolean;
  readonly tag: string;
}

function tagsOf(header: string): readonly Tag[] | '*' | undefined {
  if (!LIST.test(header)) return undefined;
  if (header.trim() === '*') return '*';
  return [...header.matchAll(EACH)].map(([, weak, tag = '']) => ({ isWeak: weak !== undefined, tag }));
}

function tagOf(version: string | number | Date): string {
  // as JSON has it, so that an answer that was stored has the same tag
  const tag = version instanceof Date ? version.toISOString() : String(version);
  if (!TAG.test(tag)) throw new RangeError(`a version has no place in an ETag: ${JSON.stringify(tag.slice(0, 100))}`);
  return tag;
}

/** What is used of a response of either platform. */
interface Response {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

@Injectable()
export class EntityTagInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const versionOf = this.reflector.get<VersionOf<unknown>>(VERSION_OF, context.getHandler());
    const request = context
      .switchToHttp()
      .getRequest<{ method: string; headers: Record<string, string | undefined> }>();
    const response = context.switchToHttp().getResponse<Response>();
    return next.handle().pipe(
      map((result: unknown) => {
        if (result === undefined || result === null) return result;
        const tag = tagOf(versionOf(result));
        response.header('etag', `"${tag}"`);
        const asked = request.headers['if-none-match'];
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        const tags = isRead && asked !== undefined ? tagsOf(asked) : undefined;
        if (tags === undefined || (tags !== '*' && !tags.some((one) => one.tag === tag))) return result;
        response.status(304);
        return undefined;
      }),
    );
  }
}
