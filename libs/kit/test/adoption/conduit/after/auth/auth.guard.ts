import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { TokensService } from './tokens.service.js';

type Authenticated = FastifyRequest & { viewerId?: number };

const OPTIONAL = 'auth:optional';

/** The route also serves those who are not logged in. */
export const OptionalAuth = (): MethodDecorator => SetMetadata(OPTIONAL, true);

/** The id of the user who asks, as a parameter of a controller's method. */
export const Viewer = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<Authenticated>().viewerId,
);

/** Reads `Authorization: Token <jwt>`. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokensService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Authenticated>();
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme === 'Token' && token) {
      request.viewerId = await this.tokens.verify(token);
      if (request.viewerId === undefined) throw new UnauthorizedException({ errors: { token: ['is invalid'] } });
    } else if (this.reflector.get<boolean | undefined>(OPTIONAL, context.getHandler()) !== true) {
      throw new UnauthorizedException({ errors: { token: ['is missing'] } });
    }
    return true;
  }
}
