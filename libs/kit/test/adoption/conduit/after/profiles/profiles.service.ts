import { Handles } from '@fledge/kit';
import { Injectable, NotFoundException } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Repository } from 'typeorm';
import { FindUser, ListUsers } from '../users/contract/index.js';
import { ListAuthors, ListFollowed } from './contract/index.js';
import { Follow } from './follow.entity.js';

export interface Profile {
  readonly username: string;
  readonly bio: string | null;
  readonly image: string | null;
  /** Whether the one who asks follows them. */
  readonly following: boolean;
}

/** Who wrote something, for other modules. */
export interface Author {
  readonly id: number;
  readonly profile: Profile;
}

@Injectable()
export class ProfilesService {
  constructor(
    @InjectRepository(Follow) private readonly follows: Repository<Follow>,
    private readonly queries: QueryBus,
  ) {}

  async get(username: string, viewerId?: number): Promise<Profile> {
    return this.profileOf(await this.idOf(username), viewerId);
  }

  async follow(username: string, followerId: number): Promise<Profile> {
    const followedId = await this.idOf(username);
    await this.follows.save({ followerId, followedId });
    return this.profileOf(followedId, followerId);
  }

  async unfollow(username: string, followerId: number): Promise<Profile> {
    const followedId = await this.idOf(username);
    await this.follows.delete({ followerId, followedId });
    return this.profileOf(followedId, followerId);
  }

  @Handles(ListAuthors, ({ ids, viewerId }) => [ids, viewerId])
  async authors(ids: readonly number[], viewerId?: number): Promise<Author[]> {
    const users = await this.queries.execute(new ListUsers(ids));
    const followed =
      viewerId === undefined ? [] : await this.follows.findBy({ followerId: viewerId, followedId: In(ids) });
    return users.map(({ id, username, bio, image }) => ({
      id,
      profile: { username, bio, image, following: followed.some(({ followedId }) => followedId === id) },
    }));
  }

  /** The ids of those whom a user follows. */
  @Handles(ListFollowed, ({ followerId }) => [followerId])
  async followedBy(followerId: number): Promise<number[]> {
    return (await this.follows.findBy({ followerId })).map(({ followedId }) => followedId);
  }

  private async idOf(username: string): Promise<number> {
    const user = await this.queries.execute(new FindUser(username));
    if (!user) throw new NotFoundException({ errors: { profile: ['not found'] } });
    return user.id;
  }

  private async profileOf(id: number, viewerId?: number): Promise<Profile> {
    const [author] = await this.authors([id], viewerId);
    if (!author) throw new NotFoundException({ errors: { profile: ['not found'] } });
    return author.profile;
  }
}
