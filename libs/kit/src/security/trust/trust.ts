import { StartupError } from '../../contract/index.js';
import { KeySets } from './key-set.js';
import { PassportControl, type Unproven } from './passport-control.js';
import { PassportOffice } from './passport-office.js';
import { PinnedKeys, readSigningKey } from './pinned-keys.js';

/** What a process believes of others, and how it proves itself to them. */
export interface TrustOptions {
  /** The deployment that this process belongs to. A passport of another one is refused. */
  readonly deployment: string;
  /** Secret: the Ed25519 private key of this service, in PKCS#8, as PEM or as its base64. */
  readonly signingKey: string;
  /**
   * By module: the Ed25519 public keys that may speak for it, in SPKI, as PEM or as their base64. Several while keys
   * are exchanged.
   */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /**
   * `required`: a call that names a user without a passport is refused. `offered`: it is believed, logged and counted;
   * for the time in which not every service has its key. Default `required`.
   */
  readonly passports?: 'required' | 'offered';
}

/** The keys of a process, ready for use. */
export class Trust {
  readonly office: PassportOffice;
  readonly control: PassportControl;
  readonly keySets: KeySets;

  /**
   * @param modules that the process hosts: its key must be pinned for each.
   * @throws StartupError for a key that cannot be read, or that the others do not believe.
   */
  constructor(options: TrustOptions, modules: readonly string[], tell: (unproven: Unproven) => void) {
    const { deployment, signingKey, keys, passports = 'required' } = options;
    const pinned = new PinnedKeys(keys);
    const ownKey = readSigningKey(signingKey);
    const mute = modules.find((module) => !pinned.speaksFor(ownKey.kid, module));
    if (mute !== undefined)
      throw new StartupError(
        'signing-key',
        `the signing key of this service is not pinned for its module ${mute}`,
        `Pin its public key under 'trust.keys' for the service or for ${mute}, in the topology of every service, before it is used to sign.`,
        { module: mute, kid: ownKey.kid },
      );
    this.office = new PassportOffice(deployment, ownKey);
    this.keySets = new KeySets(deployment, ownKey, pinned);
    this.control = new PassportControl(deployment, pinned, passports === 'required', tell);
  }
}
