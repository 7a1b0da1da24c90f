import { Controller, Delete, Get, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { AuthGuard, OptionalAuth, Viewer } from '../auth/auth.guard.js';
import { type Profile, ProfilesService } from './profiles.service.js';

interface ProfileBody {
  readonly profile: Profile;
}

@Controller('profiles/:username')
@UseGuards(AuthGuard)
export class ProfilesController {
  constructor(private readonly profiles: ProfilesService) {}

  @Get()
  @OptionalAuth()
  async get(@Param('username') username: string, @Viewer() viewerId?: number): Promise<ProfileBody> {
    return { profile: await this.profiles.get(username, viewerId) };
  }

  @Post('follow')
  @HttpCode(200)
  async follow(@Param('username') username: string, @Viewer() viewerId: number): Promise<ProfileBody> {
    return { profile: await this.profiles.follow(username, viewerId) };
  }

  @Delete('follow')
  async unfollow(@Param('username') username: string, @Viewer() viewerId: number): Promise<ProfileBody> {
    return { profile: await this.profiles.unfollow(username, viewerId) };
  }
}
