import { ApiProperty } from '@fledge/kit/openapi';

/** The tokens of a session, with the names of RFC 6749. */
export class TokensView {
  @ApiProperty({ description: 'A JWT; send it as `Authorization: Bearer <accessToken>`' })
  readonly accessToken!: string;
  @ApiProperty({ example: 'Bearer' }) readonly tokenType!: 'Bearer';
  @ApiProperty({ example: 900, description: 'Seconds' }) readonly expiresInSeconds!: number;
  @ApiProperty({
    description: 'For one use at POST /auth/refresh, which returns the next one. Keep it as secret as a password.',
  })
  readonly refreshToken!: string;
  @ApiProperty({ example: 604_800, description: 'Seconds' }) readonly refreshExpiresInSeconds!: number;
}
