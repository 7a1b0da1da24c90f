import {
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  Optional,
  Scope,
  type Type,
} from '@nestjs/common';
import { SCOPE_OPTIONS_METADATA } from '@nestjs/common/constants.js';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { type IQuery, QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import type { JWTPayload, JWTVerifyOptions } from 'jose';
import { lastValueFrom, isObservable } from 'rxjs';
import { currentContext, type Identity, RequestContext } from '../boundary/index.js';
import { ACCESS_TOKEN_TYPE, type AccessTokenRules, type SigningKeys } from '../contract/index.js';
import { Unauthenticated } from '../http/index.js';
import { type Access, AccessGuard } from './access.guard.js';
import { KeyRing } from './key-ring.js';
import { KEY_TRUST, type KeyTrust, provenBy } from './key-trust.js';

const KEY_RING = Symbol('fledge:key-ring');
const OWN_GUARD = Symbol('fledge:own-guard');
/** The provider of the `AccessTokenRules` that a module verifies tokens by; `undefined` for none. */
export const ACCESS_TOKEN_RULES = Symbol('fledge:access-token-rules');

/** Seconds by which the clocks of issuer and verifier may differ. */
const CLOCK_TOLERANCE_S = 5;

/** A JWT's claims that the kit reads: `sub`, `roles`, a list of strings, and `scope`, with spaces between the scopes. */
interface Claims {
  readonly sub?: string;
  readonly roles?: unknown;
  readonly scope?: unknown;
}

/**
 * Verifies the bearer token of every HTTP request of the module, of GraphQL in it as well, and of the handshake of a
 * WebSocket with each of its messages, and puts the caller's identity into the context.
 */
@Injectable()
export class AuthenticationGuard extends AccessGuard {
  constructor(
    reflector: Reflector,
    @Inject(KEY_RING) private readonly ring: KeyRing,
    @Optional() @Inject(ACCESS_TOKEN_RULES) private readonly rules?: AccessTokenRules,
  ) {
    super(reflector);
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const access = this.accessOf(context);
    let authorization: string | undefined;
    if (context.getType() === 'http') ({ authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers);
    else {
      const work = currentContext();
      // it is said already: by the caller of a pattern, for another field of a query, or for a whole connection
      if (!(work instanceof RequestContext) || work.identity !== undefined) return super.canActivate(context);
      ({ authorization } = work);
    }
    const token = bearerOf(authorization);
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
        optionsOf(this.rules),
      );
      if (!isAccepted(payload, this.rules)) throw new errors.JWTInvalid();
      const roles = Array.isArray(payload.roles) ? payload.roles.filter((role) => typeof role === 'string') : [];
      const { scope } = payload;
      const scopes = typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : undefined;
      return { subject: payload.sub as string, roles, ...(scopes && { scopes }) };
    } catch (error) {
      // Only errors that jose finds in the token are the client's fault; an unreachable identity module is not.
      // One text for all of them: whoever tries out tokens does not learn which check failed.
      if (error instanceof errors.JOSEError) throw new Unauthenticated('the token is not valid or has expired');
      throw error;
    }
  }
}

function optionsOf(rules: AccessTokenRules | undefined): JWTVerifyOptions {
  return {
    // that of `SigningKey`; a key fits no other
    algorithms: ['EdDSA'],
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['sub', 'exp'],
    ...(rules && {
      issuer: rules.issuer,
      audience: rules.audience,
      typ: rules.type ?? ACCESS_TOKEN_TYPE,
      // also refuses a token without `iat`, or with one in the future
      maxTokenAge: rules.lifetimeMaxSeconds,
    }),
  };
}

/** What jose does not check of a token that it has verified. */
function isAccepted({ sub, exp, iat }: JWTPayload, rules: AccessTokenRules | undefined): boolean {
  if (typeof sub !== 'string' || sub === '') return false;
  if (!rules) return true;
  if ((exp as number) - (iat as number) > rules.lifetimeMaxSeconds) return false;
  return rules.subject === undefined || rules.subject.exec(sub)?.[0] === sub;
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

function bearerOf(authorization: string | undefined): string | undefined {
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
   * @param rules what else a token must say, as its issuer exports it: who issued it, for whom, of which type, for how
   * long. Without it any token is accepted that a key of the issuer has signed and that has not expired, also one that
   * was made for something else.
   */
  static verifiedBy(query: new () => IQuery, rules?: AccessTokenRules): DynamicModule {
    return {
      module: Authentication,
      providers: [
        { provide: APP_GUARD, useClass: AuthenticationGuard },
        { provide: ACCESS_TOKEN_RULES, useValue: rules },
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
