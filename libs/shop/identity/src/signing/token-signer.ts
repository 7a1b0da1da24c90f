import { randomUUID } from 'node:crypto';
import { ACCESS_TOKEN_TYPE } from '@fledge/kit/contract';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { ACCESS_TOKENS } from '../../contract/index.js';
import type { User } from '../domain/user.js';
import { IdentitySettings } from '../settings.js';
import type { SigningKeyRow } from '../storage/signing-key.row.js';
import { SigningKeyRepository } from '../storage/signing-key.repository.js';

/** Signs access tokens with the key in the module's table, which the first replica to start creates. */
@Injectable()
export class TokenSigner implements OnModuleInit {
  private key!: CryptoKey | Uint8Array;
  private kid!: string;

  constructor(
    private readonly keys: SigningKeyRepository,
    private readonly settings: IdentitySettings,
  ) {}

  /** How long access tokens are valid, in seconds. */
  get lifetimeS(): number {
    return Math.floor(this.settings.accessTokenMs / 1_000);
  }

  async onModuleInit(): Promise<void> {
    const { kid, x, d } = await this.keys.newestOr(newKey);
    this.kid = kid;
    this.key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x, d }, 'EdDSA');
  }

  /** An access token (RFC 9068, EdDSA) with the user's id and roles, valid for `lifetimeS`. */
  sign(user: User): Promise<string> {
    return new SignJWT({ roles: [...user.roles] })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.kid, typ: ACCESS_TOKEN_TYPE })
      .setSubject(user.id)
      .setIssuer(ACCESS_TOKENS.issuer)
      .setAudience(ACCESS_TOKENS.audience)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${this.lifetimeS}s`)
      .sign(this.key);
  }
}

async function newKey(): Promise<SigningKeyRow> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x, d } = await exportJWK(privateKey);
  if (!x || !d) throw new Error('the new Ed25519 key cannot be exported');
  return { kid: randomUUID(), x, d, createdAt: new Date() };
}
