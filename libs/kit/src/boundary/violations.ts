import { getMetadataStorage, type ValidationError } from 'class-validator';
import type { ConstraintMetadata } from 'class-validator/types/metadata/ConstraintMetadata.js';
import type { Violation } from '../contract/index.js';

/** Violations reported for one message or request; the check stops there. */
export const VIOLATIONS_MAX = 50;

/** The path of the field `name` inside `path`: `lines[2].quantity`. */
export function pathTo(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/**
 * class-validator's errors as violations, at most `VIOLATIONS_MAX`. A rule with `{ each: true }` is reported for each
 * item that breaks it, at the item's path; class-validator reports it for the list alone.
 */
export function violationsOf(errors: readonly ValidationError[], path = '', into: Violation[] = []): Violation[] {
  for (const error of errors) {
    const at = /^\d+$/.test(error.property) ? `${path}[${error.property}]` : pathTo(path, error.property);
    for (const [rule, message] of Object.entries(error.constraints ?? {})) {
      for (const item of itemsAgainst(error, rule))
        into.push(
          item === undefined
            ? { path: at, rule, message }
            : { path: `${at}[${item}]`, rule, message: ofItem(message, error.property, item) },
        );
    }
    violationsOf(error.children ?? [], at, into);
    if (into.length > VIOLATIONS_MAX) into.length = VIOLATIONS_MAX;
    if (into.length === VIOLATIONS_MAX) break;
  }
  return into;
}

/** `each value in tags must be …` becomes `tags[2] must be …`; custom texts stay as they are. */
function ofItem(message: string, field: string, item: number): string {
  const usual = `each value in ${field} `;
  return message.startsWith(usual) ? `${field}[${item}] ${message.slice(usual.length)}` : message;
}

/**
 * Indexes of the items that break a rule with `{ each: true }`; `[undefined]` for a rule of the whole field, or if the
 * item cannot be determined.
 */
function itemsAgainst(error: ValidationError, rule: string): readonly (number | undefined)[] {
  const list: unknown = error.value;
  const target = error.target as object | undefined;
  if (!Array.isArray(list) || target === undefined) return [undefined];
  const storage = getMetadataStorage();
  for (const metadata of storage.getTargetValidationMetadatas(target.constructor, '', false, false)) {
    if (metadata.propertyName !== error.property || !metadata.each) continue;
    const checks = storage
      .getTargetValidatorConstraints(metadata.constraintCls)
      .filter((check) => check.name === rule && !check.async);
    const asked = {
      object: target,
      property: error.property,
      constraints: (metadata.constraints ?? []) as unknown[],
      targetName: target.constructor.name,
    };
    const found = list
      .flatMap((value: unknown, i) => (checks.some((check) => refuses(check, value, asked)) ? [i] : []))
      .slice(0, VIOLATIONS_MAX);
    if (found.length > 0) return found;
  }
  return [undefined];
}

function refuses(
  check: ConstraintMetadata,
  value: unknown,
  asked: { object: object; property: string; constraints: unknown[]; targetName: string },
): boolean {
  return check.instance.validate(value, { ...asked, value }) === false;
}
