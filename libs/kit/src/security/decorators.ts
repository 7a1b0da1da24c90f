import { createParamDecorator, SetMetadata } from '@nestjs/common';
import { currentContext, type Identity } from '../boundary/index.js';
import { Unauthenticated } from '../http/index.js';

/** Metadata key of `@Public`. */
export const PUBLIC = 'fledge:public';
/** Metadata key of `@Scopes`. */
export const SCOPES = 'fledge:scopes';
/** Metadata key of `@Roles`. */
export const ROLES = 'fledge:roles';

/** Allows requests without a token on a route or a controller; a valid token is still read. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/**
 * Allows every user on a route or a controller, and nobody else: what `Authentication` does unless it is told otherwise,
 * said in words, or for one route of a controller that is `@Public()`.
 */
export const Authenticated = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, false);

/** Allows only callers with one of these roles on a route or a controller. */
export const Roles = (...roles: readonly string[]): MethodDecorator & ClassDecorator => SetMetadata(ROLES, roles);

/**
 * Allows only callers whose token has all of these scopes on a route or a controller: the claim `scope`, or `scopes` of
 * what `identify()` gets.
 */
export const Scopes = (...scopes: readonly string[]): MethodDecorator & ClassDecorator => SetMetadata(SCOPES, scopes);

/**
 * The caller of the request, as a parameter of a controller's method. Without a caller the request fails with
 * `Unauthenticated`.
 */
export const CurrentUser = createParamDecorator((): Identity => {
  const identity = currentContext()?.identity;
  if (!identity) throw new Unauthenticated('this needs an authenticated user, but the request has no token');
  return identity;
});
