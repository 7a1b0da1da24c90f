import { createParamDecorator, SetMetadata } from '@nestjs/common';
import { currentContext, type Identity } from '../boundary/index.js';
import { Unauthenticated } from '../http/index.js';

/** Metadata key of `@Public`. */
export const PUBLIC = 'fledge:public';
/** Metadata key of `@Roles`. */
export const ROLES = 'fledge:roles';

/** Lets a route or a controller be used without a token; a valid one that comes along is read all the same. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** Lets only callers with one of these roles use a route or a controller. */
export const Roles = (...roles: readonly string[]): MethodDecorator & ClassDecorator => SetMetadata(ROLES, roles);

/**
 * The caller of the request, as a parameter of a controller's method. Without one the request ends as
 * `Unauthenticated`.
 */
export const CurrentUser = createParamDecorator((): Identity => {
  const identity = currentContext()?.identity;
  if (!identity) throw new Unauthenticated('this needs a user, and the request carries no token');
  return identity;
});
