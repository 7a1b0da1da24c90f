/** `typ` of a passport: a token of another kind is none, and it is no other token. */
export const PASSPORT = 'fledge-passport+jwt';

/**
 * What a passport says. It proves who acts in the calls of one module for one message of another; it does not prove what
 * they say, so that it is made once for all of them.
 */
export interface PassportClaims {
  /** The calling module, for which the key must speak. */
  readonly iss: string;
  /** The called module in its deployment; see `audienceOf`. */
  readonly aud: string;
  /** The wire name of the message. */
  readonly msg: string;
  /** The user who acts. */
  readonly sub?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** The user for whom the module acts, if no user does. */
  readonly obo?: string | undefined;
  /** The modules through which the work came, the first one first; the last one is the issuer. */
  readonly chain: readonly string[];
  /** Seconds, with milliseconds as a fraction. */
  readonly iat: number;
  /** Seconds: the deadline of the work. */
  readonly exp: number;
}

/** The audience of a passport. */
export function audienceOf(deployment: string, module: string): string {
  return `${deployment}/${module}`;
}

/** Milliseconds by which the clocks of two services may differ. */
export const CLOCKS_DIFFER_MAX_MS = 10_000;
/** The longest life of a passport, in milliseconds: as long as a contract may give a call. */
export const PASSPORT_LIFE_MAX_MS = 600_000;
/** The longest passport that is read, in characters. */
export const PASSPORT_CHARS_MAX = 32_768;
/** The most modules that a chain names. */
export const CHAIN_MAX = 32;

/** The claims of a passport; `undefined` if one of them has the wrong type. */
export function passportClaims(claims: Readonly<Record<string, unknown>>): PassportClaims | undefined {
  const { iss, aud, msg, sub, roles, scopes, obo, chain, iat, exp } = claims;
  const isSound =
    [iss, aud, msg].every(isText) &&
    [sub, obo].every((text) => text === undefined || isText(text)) &&
    [roles, scopes].every((texts) => texts === undefined || isTexts(texts)) &&
    isTexts(chain) &&
    Number.isFinite(iat) &&
    Number.isFinite(exp);
  return isSound ? (claims as unknown as PassportClaims) : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
