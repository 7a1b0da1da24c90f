import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  Scope,
  type Type,
} from '@nestjs/common';
import { SCOPE_OPTIONS_METADATA } from '@nestjs/common/constants.js';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { type IQuery, QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { lastValueFrom, isObservable } from 'rxjs';
import { currentContext, type Identity } from '../boundary/index.js';
import type { SigningKeys } from '../contract/index.js';
import { Unauthenticated } from '../http/index.js';
import { type Access, AccessGuard } from './access.guard.js';
import { KeyRing } from './key-ring.js';
import { KEY_TRUST, type KeyTrust, provenBy } from './key-trust.js';

const KEY_RING = Symbol('fledge:key-ring');
const OWN_GUARD = Symbol('fledge:own-guard');

/** Seconds by which the clocks of issuer and verifier may differ. */
const CLOCK_TOLERANCE_S = 5;

/** A JWT's claims that the kit reads: `sub`, and `roles`, a list of strings. */
interface Claims {
  readonly sub?: string;
  readonly roles?: unknown;
}

/** Verifies the bearer token of every HTTP request of the module and puts the caller's identity into the context. */
@Injectable()
export class AuthenticationGuard extends AccessGuard {
  constructor(
    reflector: Reflector,
    @Inject(KEY_RING) private readonly ring: KeyRing,
  ) {
    super(reflector);
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // of another way in, such as a resolver of GraphQL, the request cannot be read here: only what is public is open
    if (context.getType() !== 'http') return super.canActivate(context);
    const access = this.accessOf(context);
    const token = bearerOf(context.switchToHttp().getRequest<FastifyRequest>());
    return token === undefined ? this.admit(undefined, access) : this.admitToken(token, access);
  }

  private async admitToken(token: string, access: Access): Promise<boolean> {
    const identity = await this.verify(token);
    const context = currentContext();
    if (context) context.identity = identity;
    return this.admit(identity, access);
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

/**
 * Asks the guard of the application who acts, then whether they may. One guard, since Nest asks guards that are made
 * for each request after all others.
 */
@Injectable()
class OwnAuthenticationGuard extends AccessGuard {
  constructor(
    reflector: Reflector,
    @Inject(OWN_GUARD) private readonly guard: CanActivate,
  ) {
    super(reflector);
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const answer = await this.guard.canActivate(context);
    const isLetIn = isObservable(answer) ? await lastValueFrom(answer) : answer;
    return isLetIn && super.canActivate(context);
  }
}

/** Nest refuses a guard for all requests that holds one for each. */
function scopeOf(guard: Type<CanActivate>): Scope {
  const options = Reflect.getMetadata(SCOPE_OPTIONS_METADATA, guard) as { readonly scope?: Scope } | undefined;
  return options?.scope ?? Scope.DEFAULT;
}

function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const [scheme, token, ...rest] = authorization.split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0)
    throw new Unauthenticated('the Authorization header is not of the form `Bearer <token>`');
  return token;
}

/**
 * Authentication of a module's HTTP routes: import `Authentication.verifiedBy(Query)` or `Authentication.by(Guard)` in a
 * bounded module.
 */
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
          inject: [QueryBus, { token: KEY_TRUST, optional: true }],
          useFactory: (queries: QueryBus, trust?: KeyTrust) =>
            new KeyRing({
              ask: () => queries.execute<IQuery, SigningKeys>(new query()),
              ...provenBy(query, trust),
            }),
        },
      ],
    };
  }

  /**
   * Authenticates by a guard of the application's own: it calls `identify()` for a request whose user it knows, and
   * throws for bad credentials. Every route of the importing module then needs a user, unless it is `@Public()`, and
   * `@Roles` holds.
   * @param imports what the guard injects from. The buses, and providers of global modules, are there without it.
   */
  static by(guard: Type<CanActivate>, { imports = [] }: Pick<ModuleMetadata, 'imports'> = {}): DynamicModule {
    return {
      module: Authentication,
      imports,
      providers: [
        { provide: OWN_GUARD, useClass: guard },
        { provide: APP_GUARD, useClass: OwnAuthenticationGuard, scope: scopeOf(guard) },
      ],
    };
  }
}
