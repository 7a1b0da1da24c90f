import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import type { Violation } from '../contract/index.js';
import { InvalidRequest } from './errors.js';

/** The pipe that every module's controllers get: DTO classes are checked, unknown fields refused, text turned into their types. */
export function requestValidation(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    exceptionFactory: (errors) => new InvalidRequest(errors.flatMap((error) => violationsOf(error, ''))),
  });
}

function violationsOf(error: ValidationError, path: string): Violation[] {
  const at = /^\d+$/.test(error.property) ? `${path}[${error.property}]` : path === '' ? error.property : `${path}.${error.property}`;
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    path: at,
    rule: rule === 'whitelistValidation' ? 'unknown-field' : rule,
    message,
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => violationsOf(child, at))];
}
