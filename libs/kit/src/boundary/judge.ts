import { type ValidationError, validateSync, type ValidatorOptions } from 'class-validator';

/** The rule of a violation for a check that threw instead of returning a result. */
export const CHECK_FAILED = 'check-failed';

/**
 * class-validator's verdict on an instance. Some of its checks throw for some values (`@IsEmail()` for half a surrogate
 * pair, `@IsNumber({ maxDecimalPlaces })` for 1e-7): a value that cannot be checked is refused, at its path, like any
 * other invalid value.
 */
export function judge(object: object, options: ValidatorOptions): ValidationError[] {
  try {
    return validateSync(object, options);
  } catch (error) {
    return uncheckable(object, error);
  }
}

/** The errors for an instance on which class-validator threw `error`. */
export function uncheckable(object: object, error: unknown): ValidationError[] {
  const reason = error instanceof Error ? error.message : String(error);
  const found = culpritIn(object, reason);
  return [found ?? refusal('', reason)];
}

/** Checks one field at a time, and nested ones, to find the field whose check throws. */
function culpritIn(object: object, reason: string): ValidationError | undefined {
  for (const [name, value] of Object.entries(object) as [string, unknown][]) {
    const probe = Array.isArray(object)
      ? [value]
      : Object.assign(Object.create(Object.getPrototypeOf(object) as object) as object, { [name]: value });
    if (!throws(probe)) continue;
    const within = typeof value === 'object' && value !== null ? culpritIn(value, reason) : undefined;
    return within ? { property: name, children: [within] } : refusal(name, reason);
  }
  return undefined;
}

function throws(probe: object): boolean {
  // A list itself has no rules: one of its items throws.
  if (Array.isArray(probe))
    return probe.some((item) => typeof item === 'object' && item !== null && throws(item as object));
  try {
    validateSync(probe, { skipMissingProperties: true, forbidUnknownValues: false });
    return false;
  } catch {
    return true;
  }
}

function refusal(property: string, reason: string): ValidationError {
  return { property, constraints: { [CHECK_FAILED]: `${property || 'a field'} cannot be checked: ${reason}` } };
}
