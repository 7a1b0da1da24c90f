import { Public } from '@fledge/kit';
import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags, ApiUnauthorizedResponse } from '@fledge/kit/openapi';
import { RefreshTokenBody } from './refresh-token-body.js';
import { Sessions } from './sessions.js';
import { TokensView } from './tokens.view.js';

/** Issues new tokens for refresh tokens. */
@ApiTags('identity')
@Public()
@Controller('auth/refresh')
export class RefreshController {
  constructor(private readonly sessions: Sessions) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Refresh the tokens',
    description: 'A refresh token is for one use: one that was used before ends the session.',
  })
  @ApiOkResponse({ type: TokensView })
  @ApiUnauthorizedResponse({ description: 'identity.session-ended.v1' })
  refresh(@Body() { refreshToken }: RefreshTokenBody): Promise<TokensView> {
    return this.sessions.refresh(refreshToken);
  }
}
