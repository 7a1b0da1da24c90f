import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import type { Identity } from '../boundary/index.js';
import { ACCESS_TOKEN_TYPE, type AccessTokenRules, SigningKeys } from '../contract/index.js';

const KEY_ID = 'fledge-testing';
/** Longer than any test, unless the rules allow less. */
const TOKEN_LIFETIME_S = 3_600;

/** Issues tokens for a test's callers, as the identity module of an application would; one key pair per issuer. */
export class TestIssuer {
  /** What the module under test asks of a token; the issuer then says it. */
  rules: AccessTokenRules | undefined;
  private pair: Promise<{ readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }> | undefined;

  /** The keys that verify its tokens: the result of the query given to `Authentication.verifiedBy`. */
  async keys(): Promise<SigningKeys> {
    const { x } = await exportJWK((await this.keyPair()).publicKey);
    return new SigningKeys({
      keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: KEY_ID, x: x as string }],
    });
  }

  /** A bearer token for an identity, valid for an hour, or as long as `rules` allow. */
  async token({ subject, roles, scopes }: Identity): Promise<string> {
    const { privateKey } = await this.keyPair();
    const { rules } = this;
    const issuedAt = Math.floor(Date.now() / 1_000);
    return new SignJWT({
      roles: [...roles],
      ...(scopes && { scope: scopes.join(' ') }),
      ...(rules && { iss: rules.issuer, aud: rules.audience }),
    })
      .setProtectedHeader({ alg: 'EdDSA', kid: KEY_ID, ...(rules && { typ: rules.type ?? ACCESS_TOKEN_TYPE }) })
      .setSubject(subject)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + (rules?.lifetimeMaxSeconds ?? TOKEN_LIFETIME_S))
      .sign(privateKey);
  }

  private keyPair(): NonNullable<TestIssuer['pair']> {
    return (this.pair ??= generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true }));
  }
}
