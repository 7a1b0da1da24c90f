import { Injectable } from '@nestjs/common';
import { WrongCredentials } from '../../contract/index.js';
import { Backoff } from '../backoff/backoff.js';
import { emailKey, type User } from '../domain/user.js';
import type { Client } from '../passwords/client.js';
import { Passwords } from '../passwords/passwords.js';
import { UserRepository } from '../storage/user.repository.js';

/** Checks passwords. Does the same, with the same number of statements, for an account that does not exist. */
@Injectable()
export class LogIn {
  constructor(
    private readonly users: UserRepository,
    private readonly passwords: Passwords,
    private readonly backoff: Backoff,
  ) {}

  /**
   * Returns the user who has this address and password.
   * @throws WrongCredentials, LogInBlocked, TooManyLogIns, LogInsOverloaded
   */
  async check(email: string, password: string, client: Client): Promise<User> {
    const account = emailKey(email);
    await this.backoff.check(account, client.client);
    const found = await this.users.findWithPassword(email);
    const matched = await this.passwords.matches(password, found?.passwordHash, { account, ...client });
    if (!found || !matched) {
      await this.backoff.failed(account, client.client);
      throw new WrongCredentials();
    }
    await this.backoff.succeeded(account, client.client);
    return found.user;
  }
}
