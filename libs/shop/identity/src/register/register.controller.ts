import { Public } from '@fledge/kit';
import { Body, Controller, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiTooManyRequestsResponse,
} from '@fledge/kit/openapi';
import { EmailTaken } from '../../contract/index.js';
import { type Client, CurrentClient } from '../passwords/client.js';
import { Passwords } from '../passwords/passwords.js';
import { UserRepository } from '../storage/user.repository.js';
import { Registration } from './registration.js';
import { UserView } from './user.view.js';

/** Registers buyers. */
@ApiTags('identity')
@Public()
@Controller('auth/register')
export class RegisterController {
  constructor(
    private readonly users: UserRepository,
    private readonly passwords: Passwords,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Register as a buyer' })
  @ApiCreatedResponse({ type: UserView })
  @ApiBadRequestResponse({ description: 'The address or the password breaks a rule' })
  @ApiConflictResponse({ description: 'identity.email-taken.v1: the address has a user already' })
  @ApiTooManyRequestsResponse({ description: 'identity.too-many-log-ins.v1; see `Retry-After`' })
  @ApiServiceUnavailableResponse({ description: 'identity.log-ins-overloaded.v1; see `Retry-After`' })
  async register(@Body() { email, password }: Registration, @CurrentClient() client: Client): Promise<UserView> {
    const user = await this.users.add(email, await this.passwords.hash(password, client), ['buyer']);
    if (!user) throw new EmailTaken({ email });
    return new UserView(user);
  }
}
