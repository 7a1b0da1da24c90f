import { Authentication, BoundedModule } from '@fledge/kit';
import { GetSigningKeys, IdentityContract } from '../contract/index.js';
import { DemoUsers } from './demo/demo-users.js';
import { GetUserHandler } from './get-user/get-user.handler.js';
import { LogInController } from './log-in/log-in.controller.js';
import { MeController } from './me/me.controller.js';
import { Passwords } from './passwords/passwords.js';
import { RegisterController } from './register/register.controller.js';
import { IdentitySettings } from './settings.js';
import { GetSigningKeysHandler } from './signing/get-signing-keys.handler.js';
import { JwksController } from './signing/jwks.controller.js';
import { TokenSigner } from './signing/token-signer.js';
import { CreateIdentity1763800000000 } from './storage/migrations/1763800000000-create-identity.js';
import { SigningKeyRepository } from './storage/signing-key.repository.js';
import { SigningKeyRow } from './storage/signing-key.row.js';
import { UserRepository } from './storage/user.repository.js';
import { UserRow } from './storage/user.row.js';

/** Users, passwords, roles, and the tokens that prove them. */
@BoundedModule({
  contract: IdentityContract,
  entities: [UserRow, SigningKeyRow],
  migrations: [CreateIdentity1763800000000],
  settings: IdentitySettings,
  imports: [Authentication.verifiedBy(GetSigningKeys)],
  providers: [
    UserRepository,
    SigningKeyRepository,
    Passwords,
    TokenSigner,
    GetSigningKeysHandler,
    GetUserHandler,
    DemoUsers,
  ],
  controllers: [RegisterController, LogInController, MeController, JwksController],
})
export class IdentityModule {}
