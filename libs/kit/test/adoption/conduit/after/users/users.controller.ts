import { Body, Controller, Get, HttpCode, Post, Put, UseGuards } from '@nestjs/common';
import { AuthGuard, Viewer } from '../auth/auth.guard.js';
import { TokensService } from '../auth/tokens.service.js';
import type { User } from './user.entity.js';
import { LogInDto, RegisterDto, UpdateUserDto } from './users.dto.js';
import { UsersService } from './users.service.js';

interface UserBody {
  readonly user: Pick<User, 'email' | 'username' | 'bio' | 'image'> & { readonly token: string };
}

@Controller()
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: TokensService,
  ) {}

  @Post('users')
  async register(@Body('user') user: RegisterDto): Promise<UserBody> {
    return this.bodyOf(await this.users.register(user));
  }

  @Post('users/login')
  @HttpCode(200)
  async logIn(@Body('user') user: LogInDto): Promise<UserBody> {
    return this.bodyOf(await this.users.logIn(user));
  }

  @Get('user')
  @UseGuards(AuthGuard)
  async get(@Viewer() id: number): Promise<UserBody> {
    return this.bodyOf(await this.users.get(id));
  }

  @Put('user')
  @UseGuards(AuthGuard)
  async update(@Viewer() id: number, @Body('user') changes: UpdateUserDto): Promise<UserBody> {
    return this.bodyOf(await this.users.update(id, changes));
  }

  private async bodyOf({ id, email, username, bio, image }: User): Promise<UserBody> {
    return { user: { email, token: await this.tokens.sign(id), username, bio, image } };
  }
}
