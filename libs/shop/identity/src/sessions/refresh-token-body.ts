import { ApiProperty } from '@fledge/kit/openapi';
import { IsString, Length } from 'class-validator';
import { REFRESH_TOKEN_CHARS_MAX } from './refresh-token.js';

/** The body of `POST /auth/refresh` and `POST /auth/logout`. Checks only bounds: any other text is an unknown token. */
export class RefreshTokenBody {
  @ApiProperty({ minLength: 1, maxLength: REFRESH_TOKEN_CHARS_MAX })
  @IsString()
  @Length(1, REFRESH_TOKEN_CHARS_MAX)
  readonly refreshToken!: string;
}
