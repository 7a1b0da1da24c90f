import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import type { Identity } from '../boundary/index.js';
import { SigningKeys } from '../contract/index.js';

const KEY_ID = 'fledge-testing';
/** Longer than any test. */
const TOKEN_LIFE = '1h';

/** Issues tokens for a test's callers, as the identity module of an application would; one key pair per issuer. */
export class TestIssuer {
  private pair: Promise<{ readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }> | undefined;

  /** The keys that verify its tokens: the result of the query given to `Authentication.verifiedBy`. */
  async keys(): Promise<SigningKeys> {
    const { x } = await exportJWK((await this.keyPair()).publicKey);
    return new SigningKeys({
      keys: [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: KEY_ID, x: x as string }],
    });
  }

  /** A bearer token for an identity, valid for an hour. */
  async token({ subject, roles, scopes }: Identity): Promise<string> {
    const { privateKey } = await this.keyPair();
    return new SignJWT({ roles: [...roles], ...(scopes && { scope: scopes.join(' ') }) })
      .setProtectedHeader({ alg: 'EdDSA', kid: KEY_ID })
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(TOKEN_LIFE)
      .sign(privateKey);
  }

  private keyPair(): NonNullable<TestIssuer['pair']> {
    return (this.pair ??= generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true }));
  }
}
