import { type CanActivate, type ExecutionContext, Injectable, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { currentContext, hasAllOf, hasOneOf, type Identity } from '../boundary/index.js';
import { Forbidden, Unauthenticated } from '../http/index.js';
import { PUBLIC, ROLES, SCOPES } from './decorators.js';

/** What the decorators of a route, or of its controller, say. */
export interface Access {
  readonly isPublic: boolean;
  readonly roles: readonly string[] | undefined;
  readonly scopes: readonly string[] | undefined;
}

/**
 * Whether a route says who may use it in a module without `Authentication`: there, nobody finds out who acts, so that
 * only `@Public()` can hold.
 */
export function hasRouteRule(reflector: Reflector, handler: () => unknown, controller: Type): boolean {
  return reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [handler, controller]) === true;
}

/** Lets an identity use a route, or nobody where it is `@Public()`, as its decorators say. */
@Injectable()
export class AccessGuard implements CanActivate {
  /** By method and controller, which may inherit the method. */
  private readonly accesses = new WeakMap<object, WeakMap<object, Access>>();

  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // whatever the way in: where nobody has said who acts, only what is public is open
    return this.admit(currentContext()?.identity, this.accessOf(context));
  }

  /** @throws Unauthenticated, Forbidden */
  protected admit(identity: Identity | undefined, { isPublic, roles, scopes }: Access): boolean {
    if (identity === undefined) {
      if (isPublic) return true;
      throw new Unauthenticated('this needs an authenticated user, but the request has no token');
    }
    if (roles && !hasOneOf(identity.roles, roles)) throw new Forbidden(roles);
    if (scopes && !hasAllOf(identity.scopes, scopes)) throw new Forbidden([], scopes);
    return true;
  }

  protected accessOf(context: ExecutionContext): Access {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    let ofHandler = this.accesses.get(handler);
    if (!ofHandler) this.accesses.set(handler, (ofHandler = new WeakMap()));
    let access = ofHandler.get(controller);
    if (!access) {
      const said = <T>(key: string): T | undefined =>
        this.reflector.getAllAndOverride<T | undefined>(key, [handler, controller]);
      access = {
        isPublic: said<boolean>(PUBLIC) === true,
        roles: said<readonly string[]>(ROLES),
        scopes: said<readonly string[]>(SCOPES),
      };
      ofHandler.set(controller, access);
    }
    return access;
  }
}
