import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** The longest text that is read as a refresh token, in characters: an access token in its place is an unknown one. */
export const REFRESH_TOKEN_CHARS_MAX = 1_000;

/** `rt_`, so that scanners for leaked secrets know it; the session's id; 256 random bits. */
const FORM = /^rt_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([\w-]{43})$/;

/** A refresh token, and what is stored of it. */
export interface RefreshToken {
  readonly text: string;
  readonly sessionId: string;
  /** SHA-256 of the random part, which needs no slower hash: nobody can try out 256 bits. */
  readonly hash: Buffer;
}

/** A new token of a session, or of a new one. */
export function newRefreshToken(sessionId: string = randomUUID()): RefreshToken {
  const secret = randomBytes(32).toString('base64url');
  return { text: `rt_${sessionId}.${secret}`, sessionId, hash: hashOf(secret) };
}

/** Reads a token; `undefined` for what cannot be one. */
export function readRefreshToken(text: string): RefreshToken | undefined {
  const [, sessionId, secret] = FORM.exec(text) ?? [];
  return sessionId === undefined || secret === undefined ? undefined : { text, sessionId, hash: hashOf(secret) };
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
