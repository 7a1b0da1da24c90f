import { Public } from '@fledge/kit';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnauthorizedResponse,
} from '@fledge/kit/openapi';
import { IsString, Length } from 'class-validator';
import { WrongCredentials } from '../../contract/index.js';
import { EMAIL_CHARS_MAX, PASSWORD_CHARS_MAX } from '../domain/user.js';
import { Passwords } from '../passwords/passwords.js';
import { TOKEN_LIFETIME_S, TokenSigner } from '../signing/token-signer.js';
import { UserRepository } from '../storage/user.repository.js';

/** The body of `POST /auth/login`. Checks only bounds: an impossible password is a wrong one, not a bad request. */
export class Credentials {
  @ApiProperty({ example: 'buyer@shop.test' }) @IsString() @Length(1, EMAIL_CHARS_MAX) readonly email!: string;
  @ApiProperty({ example: 'buyer-demo-password' })
  @IsString()
  @Length(1, PASSWORD_CHARS_MAX)
  readonly password!: string;
}

/** An access token, with the field names of RFC 6749. */
export class TokenView {
  @ApiProperty({ description: 'A JWT; send it as `Authorization: Bearer <accessToken>`' })
  readonly accessToken!: string;
  @ApiProperty({ example: 'Bearer' }) readonly tokenType!: 'Bearer';
  @ApiProperty({ example: TOKEN_LIFETIME_S, description: 'Seconds' }) readonly expiresInSeconds!: number;
}

/** Issues access tokens for passwords. */
@ApiTags('identity')
@Public()
@Controller('auth/login')
export class LogInController {
  constructor(
    private readonly users: UserRepository,
    private readonly passwords: Passwords,
    private readonly signer: TokenSigner,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Log in' })
  @ApiOkResponse({ type: TokenView })
  @ApiUnauthorizedResponse({ description: 'identity.wrong-credentials.v1: unknown address or wrong password' })
  @ApiTooManyRequestsResponse({ description: 'identity.too-many-log-ins.v1' })
  async logIn(@Body() body: Credentials): Promise<TokenView> {
    const found = await this.users.findWithPassword(body.email);
    const matched = await this.passwords.matches(body.password, found?.passwordHash);
    if (!found || !matched) throw new WrongCredentials();
    return { accessToken: await this.signer.sign(found.user), tokenType: 'Bearer', expiresInSeconds: TOKEN_LIFETIME_S };
  }
}
