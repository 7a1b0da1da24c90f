import { UnprocessableEntityException, type ValidationError, ValidationPipe } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** The answer to a request that is not valid: `{ errors: { email: ["can't be blank"] } }`. */
function invalid(errors: readonly ValidationError[]): UnprocessableEntityException {
  const messages = errors.map((error) => [error.property, [...new Set(Object.values(error.constraints ?? {}))]]);
  return new UnprocessableEntityException({ errors: Object.fromEntries(messages) as Record<string, string[]> });
}

export function configure(app: NestFastifyApplication): void {
  app.setGlobalPrefix('api');
  app.enableCors({ methods: ['GET', 'POST', 'PUT', 'DELETE'] });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true, exceptionFactory: invalid }));
}
