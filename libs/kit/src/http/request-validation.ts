import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import type { ValidationError, ValidatorOptions } from 'class-validator';
import { uncheckable } from '../boundary/index.js';
import type { Violation } from '../contract/index.js';
import { InvalidRequest } from './errors.js';

/**
 * The pipe that every module's controllers get: DTO classes are checked, unknown fields refused, text turned into their types.
 * U+0000 is refused in any text, once for all: PostgreSQL can not store it, and it would come to light as a fault.
 */
@Injectable()
export class RequestValidation extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      exceptionFactory: (errors) => new InvalidRequest(errors.flatMap((error) => violationsOf(error, ''))),
    });
  }

  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'custom') refuseNul(value, metadata.data ?? '');
    return super.transform(value, metadata) as Promise<unknown>;
  }

  /** A check of class-validator's that throws for a value refuses it: it is no fault of the server. */
  protected override async validate(object: object, options?: ValidatorOptions): Promise<ValidationError[]> {
    try {
      return await super.validate(object, options);
    } catch (error) {
      return uncheckable(object, error);
    }
  }
}

/** Bodies are bounded, so the depth that JSON can have is; their lists and objects are walked. */
function refuseNul(value: unknown, path: string): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new InvalidRequest([{ path, rule: 'nul', message: 'must not contain the character U+0000' }]);
  } else if (Array.isArray(value)) {
    value.forEach((item, i) => refuseNul(item, `${path}[${i}]`));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) refuseNul(item, path === '' ? key : `${path}.${key}`);
  }
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
