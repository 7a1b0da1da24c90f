import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Role } from '../domain/user.js';
import { Passwords } from '../passwords/passwords.js';
import { IdentitySettings } from '../settings.js';
import { UserRepository } from '../storage/user.repository.js';

const USERS: readonly { email: string; password: string; roles: readonly Role[] }[] = [
  { email: 'staff@shop.test', password: 'staff-demo-password', roles: ['staff'] },
  { email: 'buyer@shop.test', password: 'buyer-demo-password', roles: ['buyer'] },
];

/**
 * With the setting `demo`: creates two users with known passwords. The settings report it as a finding that keeps a
 * process in production from starting.
 */
@Injectable()
export class DemoUsers implements OnApplicationBootstrap {
  constructor(
    private readonly settings: IdentitySettings,
    private readonly users: UserRepository,
    private readonly passwords: Passwords,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.settings.demo) return;
    await Promise.all(USERS.map((user) => this.addMissing(user)));
  }

  private async addMissing({ email, password, roles }: (typeof USERS)[number]): Promise<void> {
    if (await this.users.findWithPassword(email)) return;
    await this.users.add(email, await this.passwords.hash(password), roles);
  }
}
