import { createHash } from 'node:crypto';
import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  Optional,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { currentContext, now } from '../boundary/index.js';
import { StartupError } from '../contract/index.js';
import { ModuleDataSource } from '../data/index.js';
import { clientKey } from '../topology/index.js';
import { RateLimited } from './errors.js';

/** One limit of `@RateLimit`. */
export interface RateLimitOptions {
  /** The most requests in a window, 1 to 1,000,000. */
  readonly max: number;
  /** The length of a window in milliseconds, 100 to a day. It begins with its first request. */
  readonly windowMs: number;
  /**
   * What is counted together: the requests of one user (without a user, of one address), those from one address, or all
   * requests of the route. Default: `user`.
   */
  readonly by?: 'user' | 'address' | 'route';
}

const LIMITS = 'fledge:rate-limits';
const MAX_LIMIT = 1_000_000;
const WINDOW_MIN_MS = 100;
const WINDOW_MAX_MS = 86_400_000;
/** How many refusals a process remembers, so that refusing costs no statement. */
const REFUSED_MAX = 10_000;

/**
 * Limits how often a route, or all routes of a controller together, may be called; further requests get 429 with
 * `Retry-After`. Each answer says what is left, by the headers `RateLimit` and `RateLimit-Policy`. The counts are in the
 * module's schema, so all replicas share them; each limit costs one statement for each request that is let in.
 * An address is that of the client behind trusted proxies; see `http.trustedProxies`.
 * @throws StartupError for a module without tables, whose counts could be kept nowhere.
 */
export function RateLimit(...limits: readonly RateLimitOptions[]): ClassDecorator & MethodDecorator {
  for (const { max, windowMs } of limits) {
    if (!(Number.isInteger(max) && max >= 1 && max <= MAX_LIMIT))
      throw new RangeError(`max of @RateLimit must be 1 to ${MAX_LIMIT}, is ${max}`);
    if (!(windowMs >= WINDOW_MIN_MS && windowMs <= WINDOW_MAX_MS))
      throw new RangeError(`windowMs of @RateLimit must be ${WINDOW_MIN_MS} to ${WINDOW_MAX_MS}, is ${windowMs}`);
  }
  return applyDecorators(SetMetadata(LIMITS, limits), UseGuards(RateLimitGuard));
}

// by the clock of the database, which all replicas share
const COUNT = `
insert into fledge_rate as r (key, resets_at, used) values ($1, clock_timestamp() + $2 * interval '1 ms', 1)
on conflict (key) do update set
  used = case when r.resets_at <= clock_timestamp() then 1 else least(r.used + 1, $3::int + 1) end,
  resets_at = case when r.resets_at <= clock_timestamp() then excluded.resets_at else r.resets_at end
returning used, (extract(epoch from resets_at - clock_timestamp()) * 1000)::float8 as "leftMs"`;

interface Counted {
  readonly used: number;
  readonly leftMs: number;
}

interface Response {
  header(name: string, value: string): unknown;
}

@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly source: ModuleDataSource;
  /** When the window of a key that is used up ends, on the clock of `now()`. */
  private readonly refused = new Map<string, number>();
  /** Requests that were counted: Nest runs the guard of a controller, and again that of its method. */
  private readonly counted = new WeakSet<object>();

  constructor(
    private readonly reflector: Reflector,
    @Optional() source?: DataSource,
  ) {
    if (!(source instanceof ModuleDataSource))
      throw new StartupError(
        'rate-limit',
        'a route has @RateLimit(), but its module has no tables to keep counts in',
        'Give the module `entities` or `migrations`, or an event in its contract; or leave out @RateLimit().',
      );
    this.source = source;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const own = this.reflector.get<readonly RateLimitOptions[] | undefined>(LIMITS, handler);
    const limits = own ?? this.reflector.get<readonly RateLimitOptions[]>(LIMITS, controller);
    const route = own ? `${controller.name}.${handler.name}` : controller.name;
    const request = context.switchToHttp().getRequest<{ readonly ip: string }>();
    if (this.counted.has(request)) return true;
    this.counted.add(request);
    const response = context.switchToHttp().getResponse<Response>();
    const counted: Counted[] = [];
    for (const [i, limit] of limits.entries())
      counted.push(await this.count(`${route} ${i} ${this.whose(limit, request)}`, limit));
    const policies = limits.map(({ max, windowMs }, i) => `"${nameOf(limits, i)}";q=${max};w=${seconds(windowMs)}`);
    const left = limits.map(
      ({ max }, i) =>
        `"${nameOf(limits, i)}";r=${Math.max(0, max - (counted[i]?.used ?? 0))};t=${seconds(counted[i]?.leftMs ?? 0)}`,
    );
    response.header('ratelimit-policy', policies.join(', '));
    response.header('ratelimit', left.join(', '));
    const over = counted.filter(({ used }, i) => used > (limits[i] as RateLimitOptions).max);
    if (over.length === 0) return true;
    const waitS = Math.max(1, ...over.map(({ leftMs }) => seconds(leftMs)));
    throw new RateLimited(waitS);
  }

  private whose({ by = 'user' }: RateLimitOptions, request: { readonly ip: string }): string {
    if (by === 'route') return 'all';
    const subject = by === 'user' ? currentContext()?.identity?.subject : undefined;
    if (subject !== undefined) return `user ${subject}`;
    return `address ${clientKey(request.ip)}`;
  }

  private async count(what: string, { max, windowMs }: RateLimitOptions): Promise<Counted> {
    const key = createHash('sha256').update(what).digest('base64url');
    const until = this.refused.get(key);
    if (until !== undefined) {
      const leftMs = until - now();
      if (leftMs > 0) return { used: max + 1, leftMs };
      this.refused.delete(key);
    }
    const [row] = await this.source.rowsPrepared<Counted>(COUNT, [key, windowMs, max]);
    const counted = row as Counted;
    if (counted.used > max) {
      if (this.refused.size >= REFUSED_MAX) this.refused.clear();
      this.refused.set(key, now() + counted.leftMs);
    }
    return counted;
  }
}

/** The name of a limit in the headers; a second one of the same kind gets a number. */
function nameOf(limits: readonly RateLimitOptions[], i: number): string {
  const kind = limits[i]?.by ?? 'user';
  const before = limits.slice(0, i).filter(({ by = 'user' }) => by === kind).length;
  return before === 0 ? kind : `${kind}-${before + 1}`;
}

function seconds(ms: number): number {
  return Math.ceil(Math.max(0, ms) / 1_000);
}
