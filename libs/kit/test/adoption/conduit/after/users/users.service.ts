import { Handles } from '@fledge/kit';
import { ConflictException, Injectable, UnauthorizedException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, Not, Repository } from 'typeorm';
import { FindUser, ListUsers, type UserView } from './contract/index.js';
import { fits, hashOf } from './passwords.js';
import { User } from './user.entity.js';
import type { LogInDto, RegisterDto, UpdateUserDto } from './users.dto.js';

@Injectable()
export class UsersService {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  async register({ username, email, password }: RegisterDto): Promise<User> {
    await this.refuseTaken({ username, email });
    return this.users.save(this.users.create({ username, email, passwordHash: await hashOf(password) }));
  }

  async logIn({ email, password }: LogInDto): Promise<User> {
    const user = await this.users.findOneBy({ email });
    if (!user || !(await fits(password, user.passwordHash)))
      throw new UnauthorizedException({ errors: { credentials: ['invalid'] } });
    return user;
  }

  async get(id: number): Promise<User> {
    const user = await this.users.findOneBy({ id });
    if (!user) throw new UnauthorizedException({ errors: { token: ['is invalid'] } });
    return user;
  }

  async update(id: number, { password, ...changes }: UpdateUserDto): Promise<User> {
    const user = await this.get(id);
    await this.refuseTaken(changes, id);
    if (password) user.passwordHash = await hashOf(password);
    return this.users.save(this.users.merge(user, changes));
  }

  @Handles(FindUser)
  async findByUsername({ username }: FindUser): Promise<UserView | null> {
    const user = await this.users.findOneBy({ username });
    return user && viewOf(user);
  }

  @Handles(ListUsers)
  async findByIds({ ids }: ListUsers): Promise<UserView[]> {
    return (await this.users.findBy({ id: In(ids) })).map(viewOf);
  }

  private async refuseTaken(names: { readonly username?: string; readonly email?: string }, id = 0): Promise<void> {
    for (const field of ['username', 'email'] as const) {
      const value = names[field];
      if (value !== undefined && (await this.users.existsBy({ [field]: value, id: Not(id) })))
        throw new ConflictException({ errors: { [field]: ['has already been taken'] } });
    }
  }
}

function viewOf({ id, username, bio, image }: User): UserView {
  return { id, username, bio, image };
}
