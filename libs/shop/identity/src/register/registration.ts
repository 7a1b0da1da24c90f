import { ApiProperty } from '@fledge/kit/openapi';
import { IsEmail, IsString, Length, MaxLength } from 'class-validator';
import { EMAIL_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from '../domain/user.js';

/** The body of `POST /auth/register`. */
export class Registration {
  @ApiProperty({ example: 'ann@shop.test', maxLength: EMAIL_CHARS_MAX })
  @IsEmail()
  @MaxLength(EMAIL_CHARS_MAX)
  readonly email!: string;

  @ApiProperty({ example: 'a long enough password', minLength: PASSWORD_CHARS_MIN, maxLength: PASSWORD_CHARS_MAX })
  @IsString()
  @Length(PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX)
  readonly password!: string;
}
