import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';

@Injectable()
export class ClosedDoor implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<FastifyRequest>().headers['x-door'] !== 'closed';
  }
}

@Injectable()
export class Never implements CanActivate {
  canActivate(): boolean {
    throw new ForbiddenException('nobody may');
  }
}

@Injectable()
export class Wrap implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(
        map((value: unknown) =>
          typeof value === 'object' && value !== null && 'wrap' in value ? { wrapped: value } : value,
        ),
      );
  }
}

@Injectable()
export class Shout implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<object>): Observable<unknown> {
    return next.handle().pipe(map((value) => ({ ...value, shouted: true })));
  }
}

@Injectable()
export class TrimText implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.trim() : value;
  }
}

export class Spilled extends Error {}
export class Burnt extends Error {}

@Catch(Spilled)
export class SpilledFilter implements ExceptionFilter {
  catch(error: Spilled, host: ArgumentsHost): void {
    void host.switchToHttp().getResponse<FastifyReply>().status(418).send({ spilled: error.message });
  }
}

@Catch(Burnt)
export class BurntFilter implements ExceptionFilter {
  catch(error: Burnt, host: ArgumentsHost): void {
    void host.switchToHttp().getResponse<FastifyReply>().status(420).send({ burnt: error.message });
  }
}
