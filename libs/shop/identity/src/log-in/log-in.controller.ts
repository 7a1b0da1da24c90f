import { Public } from '@fledge/kit';
import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnauthorizedResponse,
} from '@fledge/kit/openapi';
import { IsString, Length } from 'class-validator';
import { EMAIL_CHARS_MAX, PASSWORD_CHARS_MAX } from '../domain/user.js';
import { type Client, CurrentClient } from '../passwords/client.js';
import { Sessions } from '../sessions/sessions.js';
import { TokensView } from '../sessions/tokens.view.js';
import { LogIn } from './log-in.js';

/** The body of `POST /auth/login`. Checks only bounds: an impossible password is a wrong one, not a bad request. */
export class Credentials {
  @ApiProperty({ example: 'buyer@shop.test' }) @IsString() @Length(1, EMAIL_CHARS_MAX) readonly email!: string;
  @ApiProperty({ example: 'buyer-demo-password' })
  @IsString()
  @Length(1, PASSWORD_CHARS_MAX)
  readonly password!: string;
}

/** Opens sessions for passwords. */
@ApiTags('identity')
@Public()
@Controller('auth/login')
export class LogInController {
  constructor(
    private readonly logIn: LogIn,
    private readonly sessions: Sessions,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Log in' })
  @ApiOkResponse({ type: TokensView })
  @ApiUnauthorizedResponse({ description: 'identity.wrong-credentials.v1: unknown address or wrong password' })
  @ApiTooManyRequestsResponse({
    description: 'identity.log-in-blocked.v1 after failed log-ins, identity.too-many-log-ins.v1; see `Retry-After`',
  })
  @ApiServiceUnavailableResponse({ description: 'identity.log-ins-overloaded.v1; see `Retry-After`' })
  async open(@Body() { email, password }: Credentials, @CurrentClient() client: Client): Promise<TokensView> {
    return this.sessions.open(await this.logIn.check(email, password, client));
  }
}
