import { Public } from '@fledge/kit';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { RefreshTokenBody } from './refresh-token-body.js';
import { Sessions } from './sessions.js';

/** Ends sessions. */
@ApiTags('identity')
@Public()
@Controller('auth/logout')
export class LogOutController {
  constructor(private readonly sessions: Sessions) {}

  @Post()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Log out',
    description: 'Ends the session of a refresh token, if there is one. Access tokens expire by themselves.',
  })
  @ApiNoContentResponse({ description: 'There is no such session any more' })
  logOut(@Body() { refreshToken }: RefreshTokenBody): Promise<void> {
    return this.sessions.end(refreshToken);
  }
}
