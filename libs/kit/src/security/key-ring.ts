import type { CryptoKey } from 'jose';
import { currentContext, CallContext, runInContext } from '../boundary/index.js';
import type { SigningKey, SigningKeys } from '../contract/index.js';

/**
 * Milliseconds between two requests for keys: a token with an unknown key id causes a new request, but at most this
 * often.
 */
export const KEYS_ASKED_EVERY_MS = 5_000;

/** The public keys of the issuer, fetched when a token names an unknown one, so that keys can be rotated. */
export class KeyRing {
  private keys = new Map<string, CryptoKey | Uint8Array>();
  private askedAt = -Infinity;
  private asking: Promise<void> | undefined;

  constructor(private readonly ask: () => Promise<SigningKeys>) {}

  /** The key with this id, if the issuer has it. */
  async find(kid: string): Promise<CryptoKey | Uint8Array | undefined> {
    const known = this.keys.get(kid);
    if (known) return known;
    if (performance.now() - this.askedAt >= KEYS_ASKED_EVERY_MS) await (this.asking ??= this.refresh());
    else if (this.asking) await this.asking;
    return this.keys.get(kid);
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
      const { keys } = await runInContext(context, this.ask);
      this.keys = new Map(await Promise.all(keys.map(imported)));
      this.askedAt = performance.now();
    } finally {
      this.asking = undefined;
    }
  }
}

async function imported(key: SigningKey): Promise<[string, CryptoKey | Uint8Array]> {
  const { importJWK } = await import('jose');
  return [key.kid, await importJWK({ ...key }, key.alg)];
}
