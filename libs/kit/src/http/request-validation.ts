import { type ArgumentMetadata, Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import type { ValidationError, ValidatorOptions } from 'class-validator';
import { uncheckable, violationsOf } from '../boundary/index.js';
import type { Violation } from '../contract/index.js';
import { InvalidRequest } from './errors.js';
import { isPlainlyValid } from './plainly-valid.js';

/** The deepest nesting of lists and objects in a request, including its body. */
export const REQUEST_DEPTH_MAX = 64;

/**
 * The pipe that every module's controllers get: validates DTO classes, refuses unknown fields, converts text to the
 * field types. It refuses U+0000 in any text, because PostgreSQL cannot store it and would cause a fault, and nesting
 * deeper than `REQUEST_DEPTH_MAX` levels, because recursive code would overflow the stack.
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

  // not async: returns the promise of Nest's pipe as it is
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    try {
      if (metadata.type !== 'custom') refuseUnfit(value, metadata.data ?? '', 0, this.toValidate(metadata));
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return super.transform(value, metadata);
  }

  /** Asks class-validator only about instances that are not plainly valid. */
  protected override validate(
    object: object,
    options?: ValidatorOptions,
  ): ValidationError[] | Promise<ValidationError[]> {
    return isPlainlyValid(object) ? [] : this.judge(object, options);
  }

  /** When a check of class-validator throws for a value, the value is refused: it is no fault of the server. */
  private async judge(object: object, options?: ValidatorOptions): Promise<ValidationError[]> {
    try {
      // Nest omits target and value from the errors, lest they get into an answer. Here they are needed to find the
      // paths, and only the paths get into an answer.
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

/** Keys that class-transformer and Nest leave out of a DTO without a word: they would be lost in a field of free JSON. */
const LOST_KEYS = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

/** @param ofDto whether the value becomes an instance of a class. */
function refuseUnfit(value: unknown, path: string, depth: number, ofDto = false): void {
  if (typeof value === 'string') {
    if (value.includes('\0'))
      throw new InvalidRequest([{ path, rule: 'nul', message: 'must not contain the character U+0000' }]);
  } else if (typeof value === 'object' && value !== null) {
    if (depth === REQUEST_DEPTH_MAX)
      throw new InvalidRequest([
        { path, rule: 'depth', message: `must not be nested more than ${REQUEST_DEPTH_MAX} levels deep` },
      ]);
    if (Array.isArray(value)) value.forEach((item, i) => refuseUnfit(item, `${path}[${i}]`, depth + 1, ofDto));
    else
      for (const [key, item] of Object.entries(value)) {
        const at = path === '' ? key : `${path}.${key}`;
        if (key.includes('\0'))
          throw new InvalidRequest([{ path, rule: 'nul', message: 'must not have a field with U+0000 in its name' }]);
        // Fastify refuses it already, the parser of Express does not
        if (key === '__proto__' || (ofDto && LOST_KEYS.has(key)))
          throw new InvalidRequest([{ path: at, rule: 'reserved-name', message: `must not be named ${key}` }]);
        refuseUnfit(item, at, depth + 1, ofDto);
      }
  }
}

/** Replaces class-validator's name for an unknown field with the boundary's, `unknown-field`. */
function named(violation: Violation): Violation {
  return violation.rule === 'whitelistValidation' ? { ...violation, rule: 'unknown-field' } : violation;
}
