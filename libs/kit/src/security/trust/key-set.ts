import { FledgeError, type SigningKey, SigningKeys } from '../../contract/index.js';
import { CLOCKS_DIFFER_MAX_MS } from './passport.js';
import type { OwnKey, PinnedKeys } from './pinned-keys.js';
import { readSignedText, signText } from './signed-text.js';

/** `typ` of the proof of a key set: neither a passport nor an access token is one. */
const KEY_SET = 'fledge-keys+jwt';
/** How long a key set is believed, in milliseconds: a key that was withdrawn is refused everywhere after this time. */
export const KEY_SET_LIFE_MS = 300_000;

/** The keys that verify users' tokens did not come from the module that issues them. */
export class KeysRefused extends FledgeError {
  readonly code = 'fledge.keys-refused';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint =
    'Nobody is let in by them. Check that the key of the service that issues tokens is pinned, that the clocks agree, and who else can answer on the broker.';
  get data(): Readonly<Record<string, unknown>> {
    return { issuer: this.issuer };
  }
  constructor(
    /** The module that issues tokens. */
    readonly issuer: string,
    flaw: string,
  ) {
    super(`the keys for users' tokens do not come from ${issuer}: ${flaw}`);
  }
}

/** Signs key sets for the module that issues tokens, and verifies those of others. */
export class KeySets {
  constructor(
    private readonly deployment: string,
    private readonly ownKey: OwnKey,
    private readonly pinned: PinnedKeys,
  ) {}

  /** The keys with their proof, as an answer to other processes. */
  prove(issuer: string, { keys }: SigningKeys): SigningKeys {
    const iat = Date.now() / 1_000;
    const claims = { iss: issuer, aud: this.deployment, keys, iat, exp: iat + KEY_SET_LIFE_MS / 1_000 };
    return new SigningKeys({ keys, proof: signText(KEY_SET, this.ownKey.kid, this.ownKey.key, claims) });
  }

  /** The keys that are proven, whatever else the answer has. @throws KeysRefused */
  proven(issuer: string, { proof }: SigningKeys): readonly SigningKey[] {
    const signed = proof === undefined ? undefined : readSignedText(proof);
    if (signed === undefined) throw new KeysRefused(issuer, 'they have no proof');
    const { kid, typ, claims } = signed;
    const key = this.pinned.find(kid);
    if (typ !== KEY_SET || key === undefined || !this.pinned.speaksFor(kid, issuer) || !signed.isSignedBy(key))
      throw new KeysRefused(issuer, 'no key that is pinned for it has signed them');
    const { iss, aud, keys, iat, exp } = claims as { keys: readonly SigningKey[]; iat: number; exp: number } & Record<
      string,
      unknown
    >;
    if (iss !== issuer || aud !== this.deployment) throw new KeysRefused(issuer, 'they are of another deployment');
    const at = Date.now();
    if (!(at < exp * 1_000 + CLOCKS_DIFFER_MAX_MS && at > iat * 1_000 - CLOCKS_DIFFER_MAX_MS))
      throw new KeysRefused(issuer, 'their proof has expired, or is not valid yet');
    return keys;
  }
}
