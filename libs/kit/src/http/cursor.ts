import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { Class } from '../contract/index.js';
import { InvalidRequest } from './errors.js';

/** The longest cursor, in characters. */
export const CURSOR_CHARS_MAX = 1_024;

/** Encodes a place in a list as opaque text for a URL; `decodeCursor` reads it. */
export function encodeCursor(place: object): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/**
 * Decodes a cursor into a class, whose decorators validate it. Throws `InvalidRequest` for anything that `encodeCursor`
 * did not make.
 */
export function decodeCursor<T extends object>(text: string, cls: Class<T> & (new (...args: never[]) => T)): T {
  const place = text.length > CURSOR_CHARS_MAX ? undefined : parse(text);
  if (typeof place === 'object' && place !== null && !Array.isArray(place)) {
    const instance = plainToInstance(cls as new () => T, place);
    if (validateSync(instance, { whitelist: true, forbidNonWhitelisted: true }).length === 0) return instance;
  }
  throw new InvalidRequest([
    {
      path: 'cursor',
      rule: 'cursor',
      message: 'is not a cursor of this list: use `nextCursor` of its last page, or leave it out',
    },
  ]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
