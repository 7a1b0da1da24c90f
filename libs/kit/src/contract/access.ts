import type { Class } from './class.js';
import { StartupError } from './errors.js';
import { shapeOf } from './shape.js';

/**
 * Who may send a command or a query: of the modules that have its contract in `uses`, and of the users behind their
 * calls. Everything that a rule names must hold.
 *
 * It is checked where the message arrives, in every topology, before the handler runs; a call that does not fit fails
 * with `AccessDenied`. What a module sends to itself crosses no boundary, and is not checked.
 */
export interface AccessRule {
  /**
   * Whether a user must be behind the call: `required`, or `optional` for work of the modules themselves. A durable
   * command comes without a user. Default: `required` with `roles`, `scopes` or `owner`; otherwise it must be said.
   */
  readonly identity?: 'required' | 'optional';
  /** The names of the modules that may send it. Default: each that has the contract in `uses`. */
  readonly callers?: readonly string[];
  /** The user must have one of these roles. Default: any. */
  readonly roles?: readonly string[];
  /** The user must have been granted all of these scopes. Default: none. */
  readonly scopes?: readonly string[];
  /** The field of the message that must hold the user's own id. Default: none. */
  readonly owner?: string;
}

const KEYS: readonly string[] = ['identity', 'callers', 'roles', 'scopes', 'owner'] satisfies (keyof AccessRule)[];

/**
 * Checks a rule when a contract is made.
 * @param where names the message or the contract, for the error.
 * @param cls of the message, to check `owner`; for the rule of a whole contract, none.
 * @throws StartupError for a rule that says nothing, contradicts itself, or names a field that is none.
 */
export function checkAccess(rule: AccessRule | undefined, where: string, cls?: Class): AccessRule | undefined {
  if (rule === undefined) return undefined;
  const flaw = flawOf(rule) ?? (rule.owner === undefined ? undefined : ownerFlaw(rule.owner, cls));
  if (flaw === undefined) return rule;
  throw new StartupError(
    'access-rule',
    `the access rule of ${where} ${flaw}`,
    "Say who may: `access: { identity: 'required' }`, or 'optional' for work without a user, and where it is narrower, `callers`, `roles`, `scopes` or `owner`.",
  );
}

function flawOf(rule: AccessRule): string | undefined {
  if (typeof rule !== 'object' || rule === null) return 'is not an object';
  const unknown = Object.keys(rule).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `has '${unknown}', which no rule has`;
  const { identity, callers, roles, scopes, owner } = rule;
  if (identity !== undefined && identity !== 'required' && identity !== 'optional')
    return `has '${String(identity)}' as identity`;
  for (const [key, names] of Object.entries({ callers, roles, scopes }))
    if (names !== undefined && !isNames(names)) return `has ${key} that are not a list of at least one name`;
  const needsUser = roles !== undefined || scopes !== undefined || owner !== undefined;
  if (identity === 'optional' && needsUser) return 'has an optional identity, but roles, scopes or an owner';
  return identity === undefined && !needsUser ? 'does not say whether a user is required' : undefined;
}

function isNames(names: unknown): boolean {
  return Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string' && name !== '');
}

function ownerFlaw(owner: string, cls: Class | undefined): string | undefined {
  if (cls === undefined) return `has the owner '${owner}', which only the rule of one message can name`;
  const field = shapeOf(cls).fields.find(({ name }) => name === owner);
  if (field?.kind === 'string' && !field.list && !field.optional && !field.conditional) return undefined;
  return `has the owner '${owner}', which ${field ? 'may be missing or is not a string' : `${cls.name} does not have`}`;
}
