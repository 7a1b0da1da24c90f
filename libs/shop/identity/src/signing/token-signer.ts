import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import type { User } from '../domain/user.js';
import type { SigningKeyRow } from '../storage/signing-key.row.js';
import { SigningKeyRepository } from '../storage/signing-key.repository.js';

/** The lifetime of an access token, in seconds. There is no refresh: a buyer logs in again. */
export const TOKEN_LIFETIME_S = 3_600;
/** The issuer that tokens name. */
export const TOKEN_ISSUER = 'identity';

/** Signs access tokens with the key in the module's table, which the first replica to start creates. */
@Injectable()
export class TokenSigner implements OnModuleInit {
  private key!: CryptoKey | Uint8Array;
  private kid!: string;

  constructor(private readonly keys: SigningKeyRepository) {}

  async onModuleInit(): Promise<void> {
    const { kid, x, d } = await this.keys.newestOr(newKey);
    this.kid = kid;
    this.key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x, d }, 'EdDSA');
  }

  /** A JWT (EdDSA) with the user's id and roles, valid for `TOKEN_LIFETIME_S`. */
  sign(user: User): Promise<string> {
    return new SignJWT({ roles: [...user.roles] })
      .setProtectedHeader({ alg: 'EdDSA', kid: this.kid, typ: 'JWT' })
      .setSubject(user.id)
      .setIssuer(TOKEN_ISSUER)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_LIFETIME_S}s`)
      .sign(this.key);
  }
}

async function newKey(): Promise<SigningKeyRow> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const { x, d } = await exportJWK(privateKey);
  if (!x || !d) throw new Error('the new Ed25519 key cannot be exported');
  return { kid: randomUUID(), x, d, createdAt: new Date() };
}
