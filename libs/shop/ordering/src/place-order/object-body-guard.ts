import { InvalidRequest } from '@fledge/kit';
import type { CanActivate, ExecutionContext } from '@nestjs/common';

/**
 * Refuses the JSON text `null` where a body is optional: Nest treats it as no body, but the sender means something
 * else.
 */
export class ObjectBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { body } = context.switchToHttp().getRequest<{ readonly body?: unknown }>();
    if (body === null)
      throw new InvalidRequest([{ path: '', rule: 'object', message: 'must be an object, or left out' }]);
    return true;
  }
}
