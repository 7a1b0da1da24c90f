import { InvalidRequest } from '@fledge/kit';
import type { CanActivate, ExecutionContext } from '@nestjs/common';

/**
 * Refuses the JSON text `null` where a body may be left out: Nest takes it for none, and whoever sends it means
 * something else.
 */
export class ObjectBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { body } = context.switchToHttp().getRequest<{ readonly body?: unknown }>();
    if (body === null)
      throw new InvalidRequest([{ path: '', rule: 'object', message: 'must be an object, or left out' }]);
    return true;
  }
}
