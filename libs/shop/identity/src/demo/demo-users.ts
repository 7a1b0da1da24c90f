import { MODULE_SETTINGS, type ModuleSettings } from '@fledge/kit';
import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { Role } from '../domain/user.js';
import { Passwords } from '../passwords/passwords.js';
import { UserRepository } from '../storage/user.repository.js';

const USERS: readonly { email: string; password: string; roles: readonly Role[] }[] = [
  { email: 'staff@shop.test', password: 'staff-demo-password', roles: ['staff'] },
  { email: 'buyer@shop.test', password: 'buyer-demo-password', roles: ['buyer'] },
];

/** With the setting `demo`: two users with known passwords. Never in production, whatever the setting says. */
@Injectable()
export class DemoUsers implements OnApplicationBootstrap {
  private readonly logger = new Logger('demo');

  constructor(
    @Inject(MODULE_SETTINGS) private readonly settings: ModuleSettings,
    private readonly users: UserRepository,
    private readonly passwords: Passwords,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.settings.demo !== true) return;
    if (process.env.NODE_ENV === 'production') return this.logger.warn('There are no demonstration users in production: everybody knows their passwords. Set FLEDGE_DEMO=false to say so.');
    for (const { email, password, roles } of USERS) {
      if (await this.users.findWithPassword(email)) continue;
      await this.users.add(email, await this.passwords.hash(password), roles);
    }
  }
}
