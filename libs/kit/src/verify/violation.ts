/** The rules of `fledge verify`. */
export type Rule =
  | 'exports'
  | 'contract-only'
  | 'leaves-package'
  | 'deep-import'
  | 'module-list-only'
  | 'contract-alone'
  | 'computed-import'
  | 'uses-missing'
  | 'uses-superfluous'
  | 'uses-unreadable'
  | 'cycle'
  | 'foreign-schema'
  | 'foreign-key'
  | 'foreign-entity'
  | 'own-database'
  | 'changed-role'
  | 'module-twice'
  | 'wire-name-twice'
  | 'route-twice'
  | 'access-undeclared';

/** One broken rule: who broke it against whom, where, what is allowed instead, and what to do. */
export interface BoundaryViolation {
  readonly rule: Rule;
  /** The module, or else the package, that breaks the rule. */
  readonly source: string;
  /** The module that it reaches, or its own name if no other is involved. */
  readonly target: string;
  /** Relative to the workspace's root. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly fact: string;
  /**
   * What else tells it from others of its rule in its file, in the words of the code: an import's specifier, a table, an
   * entity, a wire name. Default: nothing.
   */
  readonly subject?: string;
  readonly allowed: string;
  readonly cure: string;
}

/** The result of `verifyWorkspace`. */
export interface Verification {
  /** The modules' names, sorted. */
  readonly modules: readonly string[];
  /** How many source files were read. */
  readonly files: number;
  /** All violations, by file and line. */
  readonly violations: readonly BoundaryViolation[];
}

/**
 * The report of a verification: each violation with source, target, what is allowed, and the fix; then one line with
 * totals.
 */
export function describeVerification({ modules, files, violations }: Verification): string {
  const told = violations.map(({ rule, source, target, file, line, fact, allowed, cure }) =>
    [
      `${file}:${line}  ${rule}  ${source === target ? source : `${source} → ${target}`}`,
      `    ${fact}`,
      `    allowed: ${allowed}`,
      `    cure:    ${cure}`,
      '',
    ].join('\n'),
  );
  const count = violations.length === 1 ? '1 violation' : `${violations.length || 'no'} violations`;
  return [
    ...told,
    `fledge verify: ${modules.length} modules (${modules.join(', ')}), ${files} files, ${count}`,
    '',
  ].join('\n');
}
