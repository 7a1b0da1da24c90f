import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { emailKey, type Role, type User } from '../domain/user.js';
import { UserRow } from './user.row.js';

/** Users by id and by address. */
@Injectable()
export class UserRepository {
  constructor(@InjectRepository(UserRow) private readonly rows: Repository<UserRow>) {}

  /** Stores a new user; `undefined` if the address is taken, even by a concurrent registration. */
  async add(email: string, passwordHash: string, roles: readonly Role[]): Promise<User | undefined> {
    const row: UserRow = {
      id: randomUUID(),
      email: email.trim(),
      emailKey: emailKey(email),
      passwordHash,
      roles: [...roles],
      createdAt: new Date(),
    };
    const result = await this.rows.createQueryBuilder().insert().values(row).orIgnore().returning('id').execute();
    return (result.raw as unknown[]).length === 1 ? userOf(row) : undefined;
  }

  /** The user with this id. */
  async find(id: string): Promise<User | undefined> {
    const row = await this.rows.findOneBy({ id });
    return row ? userOf(row) : undefined;
  }

  /** The user with this address, and the hash of the password. */
  async findWithPassword(email: string): Promise<{ user: User; passwordHash: string } | undefined> {
    const row = await this.rows.findOneBy({ emailKey: emailKey(email) });
    return row ? { user: userOf(row), passwordHash: row.passwordHash } : undefined;
  }
}

function userOf(row: UserRow): User {
  return { id: row.id, email: row.email, roles: row.roles, createdAt: row.createdAt };
}
