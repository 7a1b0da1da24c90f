import { type ArgumentMetadata, Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import type { ValidationError, ValidatorOptions } from 'class-validator';
import { uncheckable, violationsOf } from '../boundary/index.js';
import type { Violation } from '../contract/index.js';
import { InvalidRequest } from './errors.js';
import { isPlainlyValid } from './plainly-valid.js';

/** How many lists and objects may lie within each other in a request, its body included. */
export const REQUEST_DEPTH_MAX = 64;

/**
 * The pipe that every module's controllers get: DTO classes are checked, unknown fields refused, text turned into their
 * types. U+0000 is refused in any text, once for all: PostgreSQL cannot store it, and it would come to light as a
 * fault. So is what is nested more than `REQUEST_DEPTH_MAX` levels deep: it runs those out of stack who walk it.
 */
@Injectable()
export class RequestValidation extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      exceptionFactory: (errors) => new InvalidRequest(violationsOf(errors).map(named)),
    });
  }

  // not async: the promise of Nest's pipe is handed on as it is
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    try {
      if (metadata.type !== 'custom') refuseUnfit(value, metadata.data ?? '', 0);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return super.transform(value, metadata);
  }

  /** class-validator is asked about what is not plainly right. */
  protected override validate(
    object: object,
    options?: ValidatorOptions,
  ): ValidationError[] | Promise<ValidationError[]> {
    return isPlainlyValid(object) ? [] : this.judge(object, options);
  }

  /** A check of class-validator's that throws for a value refuses it: it is no fault of the server. */
  private async judge(object: object, options?: ValidatorOptions): Promise<ValidationError[]> {
    try {
      // Nest leaves target and value out of the errors, lest they come into an answer: here only the paths do, found
      // with their aid.
      return await super.validate(object, { ...options, validationError: { target: true, value: true } });
    } catch (error) {
      return uncheckable(object, error);
    }
  }
}

/**
 * For an application that validates by a pipe of its own: U+0000 and what is nested too deep are refused all the same.
 */
@Injectable()
export class RequestLimits implements PipeTransform {
  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    if (metadata.type !== 'custom') refuseUnfit(value, metadata.data ?? '', 0);
    return value;
  }
}

function refuseUnfit(value: unknown, path: string, depth: number): void {
  if (typeof value === 'string') {
    if (value.includes('\0'))
      throw new InvalidRequest([{ path, rule: 'nul', message: 'must not contain the character U+0000' }]);
  } else if (typeof value === 'object' && value !== null) {
    if (depth === REQUEST_DEPTH_MAX)
      throw new InvalidRequest([
        { path, rule: 'depth', message: `must not be nested more than ${REQUEST_DEPTH_MAX} levels deep` },
      ]);
    if (Array.isArray(value)) value.forEach((item, i) => refuseUnfit(item, `${path}[${i}]`, depth + 1));
    else
      for (const [key, item] of Object.entries(value))
        refuseUnfit(item, path === '' ? key : `${path}.${key}`, depth + 1);
  }
}

/** class-validator's name for a field too many is its own; the boundary's is `unknown-field`. */
function named(violation: Violation): Violation {
  return violation.rule === 'whitelistValidation' ? { ...violation, rule: 'unknown-field' } : violation;
}
