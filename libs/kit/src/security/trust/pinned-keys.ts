import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { StartupError } from '../../contract/index.js';

/** A new pair of keys, in the form in which `TrustOptions` takes them. */
export interface ServiceKeys {
  /** Secret: PKCS#8, as one line of base64. */
  readonly signingKey: string;
  /** SPKI, as one line of base64: to be pinned. */
  readonly publicKey: string;
}

/** Makes the keys of a service. */
export function newServiceKeys(): ServiceKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    signingKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  };
}

/** The key with which a service signs. */
export interface OwnKey {
  readonly kid: string;
  readonly key: KeyObject;
}

/** Reads a private key. @throws StartupError, which never shows it. */
export function readSigningKey(text: string): OwnKey {
  const key = readKey(text, (der) => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  if (key === undefined)
    throw new StartupError(
      'signing-key',
      'the signing key of this service cannot be read',
      'It must be an Ed25519 private key in PKCS#8, as PEM or as its base64: openssl genpkey -algorithm ed25519',
    );
  return { kid: idOf(createPublicKey(key)), key };
}

interface PinnedKey {
  readonly key: KeyObject;
  readonly modules: Set<string>;
}

/** The public keys that this process believes, each for the modules for which it may speak. */
export class PinnedKeys {
  private readonly byId = new Map<string, PinnedKey>();

  /** @param keys by module. @throws StartupError for a text that is no key. */
  constructor(keys: Readonly<Record<string, readonly string[]>>) {
    for (const [module, texts] of Object.entries(keys)) for (const text of texts) this.pin(module, text);
  }

  find(kid: string): KeyObject | undefined {
    return this.byId.get(kid)?.key;
  }

  /** Whether a key may speak for a module. */
  speaksFor(kid: string, module: string): boolean {
    return this.byId.get(kid)?.modules.has(module) ?? false;
  }

  private pin(module: string, text: string): void {
    const key = readKey(text, (der) => createPublicKey({ key: der, format: 'der', type: 'spki' }));
    if (key === undefined)
      throw new StartupError(
        'pinned-key',
        `a key that is pinned for ${module} cannot be read`,
        'It must be an Ed25519 public key in SPKI, as PEM or as its base64: openssl pkey -in <private key> -pubout',
        { module },
      );
    const kid = idOf(key);
    const known = this.byId.get(kid);
    if (known) known.modules.add(module);
    else this.byId.set(kid, { key, modules: new Set([module]) });
  }
}

/** PEM, or only what is between its lines. */
function readKey(text: string, parse: (der: Buffer) => KeyObject): KeyObject | undefined {
  try {
    const key = parse(Buffer.from(text.replace(/-----[A-Z ]+-----/g, ''), 'base64'));
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    // the caller says what is expected, without showing what may be a secret
    return undefined;
  }
}

/** The id of a key follows from it, so that nobody has to choose one. */
function idOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
    .slice(0, 22);
}
