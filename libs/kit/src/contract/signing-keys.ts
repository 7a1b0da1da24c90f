import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { Fields } from './messages.js';

/** A public Ed25519 key as a JSON Web Key (RFC 8037). */
export class SigningKey {
  @IsIn(['OKP']) readonly kty!: 'OKP';
  @IsIn(['Ed25519']) readonly crv!: 'Ed25519';
  @IsIn(['EdDSA']) readonly alg!: 'EdDSA';
  @IsIn(['sig']) readonly use!: 'sig';
  @IsString() @MaxLength(128) readonly kid!: string;
  @IsString() @MaxLength(128) readonly x!: string;
}

/** The public keys that verify an issuer's tokens: the result of the query given to `Authentication.verifiedBy()`. */
export class SigningKeys {
  @ValidateNested({ each: true }) @Type(() => SigningKey) @ArrayMaxSize(16) readonly keys!: SigningKey[];
  /**
   * Signed by the service that issues tokens. The kit sets it where services have keys of their own, and verifies it at
   * the callers.
   */
  @IsOptional() @IsString() @MaxLength(32_768) readonly proof?: string;
  constructor(fields: Fields<SigningKeys>) {
    Object.assign(this, fields);
  }
}
