import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../contract/index.js';
import type { BoundaryViolation } from './violation.js';

/** The file in a workspace's folder with the violations that existed when verification was introduced. */
export const BASELINE_FILE = 'fledge-verify.baseline.json';

/**
 * What distinguishes a violation from others: not its line, which changes with the code above it, nor its text, which
 * changes with the kit.
 */
export type FrozenViolation = Pick<BoundaryViolation, 'rule' | 'source' | 'target' | 'file' | 'subject'>;

/** Violations compared with a baseline. */
export interface Comparison {
  /** Those that are not in it. */
  readonly added: readonly BoundaryViolation[];
  /** Those that are. */
  readonly known: readonly BoundaryViolation[];
  /** The number of violations in the baseline that are fixed. */
  readonly mended: number;
}

/** The baseline of a workspace; `undefined` when it has none. @throws StartupError when the file cannot be read. */
export function readBaseline(root: string): readonly FrozenViolation[] | undefined {
  const file = join(root, BASELINE_FILE);
  if (!existsSync(file)) return undefined;
  try {
    const { violations } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly violations?: readonly FrozenViolation[];
    };
    if (violations?.length === undefined) throw new Error('it has no "violations" list');
    if (violations.some((violation) => 'fact' in violation)) throw new Error('an older version of Fledge wrote it');
    return violations;
  } catch (error) {
    throw new StartupError(
      'baseline',
      `${file} cannot be read: ${(error as Error).message}`,
      'Restore it, or delete it and write a new one with fledge verify --baseline.',
    );
  }
}

/** Writes these violations to the baseline. */
export function writeBaseline(root: string, violations: readonly BoundaryViolation[]): void {
  const known = violations.map(({ rule, source, target, file, subject }): FrozenViolation => ({
    rule,
    source,
    target,
    file,
    ...(subject !== undefined && { subject }),
  }));
  writeFileSync(join(root, BASELINE_FILE), `${JSON.stringify({ violations: known }, undefined, 2)}\n`);
}

/**
 * Divides violations into new ones and those of a baseline; of equal violations, only as many are known as the baseline
 * has.
 */
export function compareWithBaseline(
  violations: readonly BoundaryViolation[],
  baseline: readonly FrozenViolation[],
): Comparison {
  const left = new Map<string, number>();
  for (const known of baseline) left.set(keyOf(known), (left.get(keyOf(known)) ?? 0) + 1);
  const [added, known]: [BoundaryViolation[], BoundaryViolation[]] = [[], []];
  for (const violation of violations) {
    const times = left.get(keyOf(violation)) ?? 0;
    left.set(keyOf(violation), times - 1);
    (times > 0 ? known : added).push(violation);
  }
  return { added, known, mended: baseline.length - known.length };
}

function keyOf({ rule, source, target, file, subject }: FrozenViolation): string {
  return JSON.stringify([rule, source, target, file, subject]);
}
