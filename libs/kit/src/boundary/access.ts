import type { AccessRule, DenialReason } from '../contract/index.js';
import type { Identity } from './call-context.js';

/** Who calls, and on behalf of whom. */
export interface Acting {
  readonly caller: string;
  readonly identity: Identity | undefined;
}

/** Returns what of its rule a call does not fit; `undefined` if it may run. */
export type AccessCheck = (acting: Acting, input: object) => DenialReason | undefined;

/** Compiles a rule, once, when the host starts. Returns `undefined` for a rule that allows every caller. */
export function compileAccess(rule: AccessRule | undefined): AccessCheck | undefined {
  if (rule === undefined) return undefined;
  const { identity: need, roles, scopes, owner } = rule;
  const callers = rule.callers && new Set(rule.callers);
  const needsUser = need === 'required' || roles !== undefined || scopes !== undefined || owner !== undefined;
  if (callers === undefined && !needsUser) return undefined;
  return ({ caller, identity }, input) => {
    if (callers !== undefined && !callers.has(caller)) return 'caller';
    if (!needsUser) return undefined;
    if (identity === undefined) return 'identity';
    if (roles !== undefined && !hasOneOf(identity.roles, roles)) return 'roles';
    if (scopes !== undefined && !hasAllOf(identity.scopes, scopes)) return 'scopes';
    if (owner !== undefined && (input as Readonly<Record<string, unknown>>)[owner] !== identity.subject) return 'owner';
    return undefined;
  };
}

/** Whether one of the wanted names is there. */
export function hasOneOf(there: readonly string[], wanted: readonly string[]): boolean {
  return wanted.some((name) => there.includes(name));
}

/** Whether all of the wanted names are there. */
export function hasAllOf(there: readonly string[] | undefined, wanted: readonly string[]): boolean {
  return wanted.every((name) => there?.includes(name));
}
