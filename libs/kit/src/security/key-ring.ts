import type { CryptoKey } from 'jose';
import { currentContext, CallContext, runInContext } from '../boundary/index.js';
import type { SigningKey, SigningKeys } from '../contract/index.js';
import { KEY_SET_LIFE_MS } from './trust/key-set.js';

/**
 * Milliseconds between two requests for keys: a token with an unknown key id causes a new request, but at most this
 * often.
 */
export const KEYS_ASKED_EVERY_MS = 5_000;
/** After this time the keys are asked for again, in milliseconds, while the known ones are still used. */
export const KEYS_FRESH_MS = 60_000;

/** Where a key ring has its keys from. */
export interface KeySource {
  /** Asks the issuer. */
  ask(): Promise<SigningKeys>;
  /** The keys of an answer that are proven. @throws KeysRefused. Default: all of them. */
  proven?(answer: SigningKeys): readonly SigningKey[];
  /** Milliseconds; default `performance.now()`. */
  now?(): number;
}

/**
 * The public keys of the issuer, asked for when a token names an unknown one, so that keys can be rotated, and again
 * every minute: a key that the issuer has withdrawn is refused within five minutes, even while the issuer cannot be
 * asked.
 */
export class KeyRing {
  private keys = new Map<string, CryptoKey | Uint8Array>();
  private askedAt = -Infinity;
  private knownAt = -Infinity;
  private asking: Promise<void> | undefined;

  constructor(private readonly source: KeySource) {}

  /** The key with this id, if the issuer has it. */
  async find(kid: string): Promise<CryptoKey | Uint8Array | undefined> {
    const at = this.now();
    const ageMs = at - this.knownAt;
    const isOver = ageMs >= KEY_SET_LIFE_MS;
    if (isOver) this.keys.clear();
    const known = this.keys.get(kid);
    const mayAsk = at - this.askedAt >= KEYS_ASKED_EVERY_MS;
    if (known) {
      // the next token finds out why it fails, once the known keys are too old
      if (ageMs >= KEYS_FRESH_MS && mayAsk) void (this.asking ??= this.refresh()).catch(() => undefined);
      return known;
    }
    // without any key each token asks: its failure says that the issuer cannot be reached
    if (mayAsk || isOver) await (this.asking ??= this.refresh());
    else if (this.asking) await this.asking;
    return this.keys.get(kid);
  }

  private now(): number {
    return this.source.now?.() ?? performance.now();
  }

  private async refresh(): Promise<void> {
    // A separate context, as the request is shared by all who wait: the first caller may go away or have little time
    // left.
    const context = new CallContext(
      currentContext()?.module ?? '',
      'job',
      Infinity,
      undefined,
      currentContext()?.traceparent,
      undefined,
    );
    try {
      this.askedAt = this.now();
      const answer = await runInContext(context, () => this.source.ask());
      const keys = this.source.proven?.(answer) ?? answer.keys;
      this.keys = new Map(await Promise.all(keys.map(imported)));
      this.knownAt = this.askedAt;
    } finally {
      this.asking = undefined;
    }
  }
}

async function imported(key: SigningKey): Promise<[string, CryptoKey | Uint8Array]> {
  const { importJWK } = await import('jose');
  return [key.kid, await importJWK({ ...key }, key.alg)];
}
