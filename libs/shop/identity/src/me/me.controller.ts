import { CurrentUser, type Identity } from '@fledge/kit';
import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags, ApiUnauthorizedResponse } from '@fledge/kit/openapi';
import { UserNotFound } from '../../contract/index.js';
import { UserView } from '../register/user.view.js';
import { UserRepository } from '../storage/user.repository.js';

/** The user behind the token. */
@ApiTags('identity')
@ApiBearerAuth()
@Controller('users/me')
export class MeController {
  constructor(private readonly users: UserRepository) {}

  @Get()
  @ApiOperation({ summary: 'Who am I' })
  @ApiOkResponse({ type: UserView })
  @ApiUnauthorizedResponse({ description: 'No valid token' })
  async me(@CurrentUser() identity: Identity): Promise<UserView> {
    const user = await this.users.find(identity.subject);
    if (!user) throw new UserNotFound();
    return new UserView(user);
  }
}
