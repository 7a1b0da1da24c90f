import { ApiProperty } from '@fledge/kit/openapi';

/** A public key (RFC 8037). */
export class JwkView {
  @ApiProperty({ example: 'OKP' }) readonly kty!: string;
  @ApiProperty({ example: 'Ed25519' }) readonly crv!: string;
  @ApiProperty({ example: 'EdDSA' }) readonly alg!: string;
  @ApiProperty({ example: 'sig' }) readonly use!: string;
  @ApiProperty({ format: 'uuid' }) readonly kid!: string;
  @ApiProperty({ description: 'The public key, base64url' }) readonly x!: string;
}

/** A JSON Web Key set. */
export class JwksView {
  @ApiProperty({ type: [JwkView] }) readonly keys!: JwkView[];
}
