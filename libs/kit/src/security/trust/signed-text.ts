import { type KeyObject, sign, verify } from 'node:crypto';

/** A signed text that was read, and not yet verified: a compact JWS (RFC 7515) with Ed25519. */
export interface SignedText {
  /** Its `typ`, which keeps texts of different kinds apart. */
  readonly typ: unknown;
  readonly kid: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Whether a key has signed it. */
  isSignedBy(key: KeyObject): boolean;
}

/** Signs claims. Synchronous, as a call is sent in the turn in which it is made; jose signs later. */
export function signText(typ: string, kid: string, key: KeyObject, claims: object): string {
  const content = `${encoded({ alg: 'EdDSA', typ, kid })}.${encoded(claims)}`;
  return `${content}.${sign(null, Buffer.from(content), key).toString('base64url')}`;
}

/** Reads a signed text; `undefined` for anything else, also for another algorithm. */
export function readSignedText(text: string): SignedText | undefined {
  const [head = '', body = '', signature = '', ...rest] = text.split('.');
  if (rest.length > 0) return undefined;
  const [header, claims] = [decoded(head), decoded(body)];
  // `crit` names extensions that a reader must understand: there are none here
  if (!header || !claims || header.alg !== 'EdDSA' || typeof header.kid !== 'string' || 'crit' in header)
    return undefined;
  return {
    typ: header.typ,
    kid: header.kid,
    claims,
    isSignedBy: (key) => verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')),
  };
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decoded(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // anybody may have sent it: the reader says that it is malformed
    return undefined;
  }
}
