import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { type IQuery, QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { currentContext, type Identity } from '../boundary/index.js';
import type { SigningKeys } from '../contract/index.js';
import { Forbidden, Unauthenticated } from '../http/index.js';
import { PUBLIC, ROLES } from './decorators.js';
import { KeyRing } from './key-ring.js';

const KEY_RING = Symbol('fledge:key-ring');

/** Seconds by which the clocks of issuer and verifier may differ. */
const CLOCK_TOLERANCE_S = 5;

/** A JWT's claims that the kit reads: `sub`, and `roles`, a list of strings. */
interface Claims {
  readonly sub?: string;
  readonly roles?: unknown;
}

/** The access rules of a route, from its decorators or those of its controller. */
interface Access {
  readonly isPublic: boolean;
  readonly roles: readonly string[] | undefined;
}

/** Verifies the bearer token of every HTTP request of the module and puts the caller's identity into the context. */
@Injectable()
export class AuthenticationGuard implements CanActivate {
  /** By method, then by controller, since controllers may inherit a method. */
  private readonly accesses = new WeakMap<object, WeakMap<object, Access>>();

  constructor(
    private readonly reflector: Reflector,
    @Inject(KEY_RING) private readonly ring: KeyRing,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const { isPublic, roles } = this.accessOf(context);
    const token = bearerOf(context.switchToHttp().getRequest<FastifyRequest>());
    if (token === undefined) {
      if (isPublic) return true;
      throw new Unauthenticated('this needs an authenticated user, but the request has no token');
    }
    return this.admit(token, roles);
  }

  private accessOf(context: ExecutionContext): Access {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    let ofHandler = this.accesses.get(handler);
    if (!ofHandler) this.accesses.set(handler, (ofHandler = new WeakMap()));
    let access = ofHandler.get(controller);
    if (!access) {
      const said = <T>(key: string): T | undefined =>
        this.reflector.getAllAndOverride<T | undefined>(key, [handler, controller]);
      access = { isPublic: said<boolean>(PUBLIC) === true, roles: said<readonly string[]>(ROLES) };
      ofHandler.set(controller, access);
    }
    return access;
  }

  private async admit(token: string, roles: Access['roles']): Promise<boolean> {
    const identity = await this.verify(token);
    const context = currentContext();
    if (context) context.identity = identity;
    if (roles && !roles.some((role) => identity.roles.includes(role))) throw new Forbidden(roles);
    return true;
  }

  private async verify(token: string): Promise<Identity> {
    // loaded with the first token, not at the start: a process that never needs it does not load it
    const { errors, jwtVerify } = await import('jose');
    try {
      const { payload } = await jwtVerify<Claims>(
        token,
        async (header) => {
          const key = header.kid === undefined ? undefined : await this.ring.find(header.kid);
          if (!key) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        { algorithms: ['EdDSA'], clockTolerance: CLOCK_TOLERANCE_S, requiredClaims: ['sub', 'exp'] },
      );
      const roles = Array.isArray(payload.roles) ? payload.roles.filter((role) => typeof role === 'string') : [];
      return { subject: payload.sub as string, roles };
    } catch (error) {
      // Only errors that jose finds in the token are the client's fault; an unreachable identity module is not.
      if (error instanceof errors.JOSEError)
        throw new Unauthenticated(
          error instanceof errors.JWTExpired ? 'the token has expired' : 'the token is not valid',
        );
      throw error;
    }
  }
}

function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const [scheme, token, ...rest] = authorization.split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0)
    throw new Unauthenticated('the Authorization header is not of the form `Bearer <token>`');
  return token;
}

/** Authentication of a module's HTTP routes: import `Authentication.verifiedBy(Query)` in a bounded module. */
@Module({})
export class Authentication {
  /**
   * Verifies bearer tokens (JWT, EdDSA) with the keys that a query returns, which is sent over the boundary like any
   * other. Every route of the importing module then requires a valid token, unless it is `@Public()`.
   * @param query the class of a query without fields whose result is `SigningKeys`.
   */
  static verifiedBy(query: new () => IQuery): DynamicModule {
    return {
      module: Authentication,
      providers: [
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        {
          provide: KEY_RING,
          inject: [QueryBus],
          useFactory: (queries: QueryBus) => new KeyRing(() => queries.execute<IQuery, SigningKeys>(new query())),
        },
      ],
    };
  }
}
