import { Authentication, BoundedModule } from '@fledge/kit';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '../contract/index.js';
import { Backoff } from './backoff/backoff.js';
import { CleanUp } from './clean-up/clean-up.js';
import { DemoUsers } from './demo/demo-users.js';
import { GetUserHandler } from './get-user/get-user.handler.js';
import { LogInController } from './log-in/log-in.controller.js';
import { LogIn } from './log-in/log-in.js';
import { MeController } from './me/me.controller.js';
import { Passwords } from './passwords/passwords.js';
import { RegisterController } from './register/register.controller.js';
import { LogOutController } from './sessions/log-out.controller.js';
import { RefreshController } from './sessions/refresh.controller.js';
import { Sessions } from './sessions/sessions.js';
import { IdentitySettings } from './settings.js';
import { GetSigningKeysHandler } from './signing/get-signing-keys.handler.js';
import { JwksController } from './signing/jwks.controller.js';
import { TokenSigner } from './signing/token-signer.js';
import { CreateIdentity1763800000000 } from './storage/migrations/1763800000000-create-identity.js';
import { AddSessions1764500000000 } from './storage/migrations/1764500000000-add-sessions.js';
import { LogInFailureRepository } from './storage/log-in-failure.repository.js';
import { LogInFailureRow } from './storage/log-in-failure.row.js';
import { SessionRepository } from './storage/session.repository.js';
import { SessionRow } from './storage/session.row.js';
import { SigningKeyRepository } from './storage/signing-key.repository.js';
import { SigningKeyRow } from './storage/signing-key.row.js';
import { UserRepository } from './storage/user.repository.js';
import { UserRow } from './storage/user.row.js';

/** Users, passwords, roles, and the tokens that prove them. */
@BoundedModule({
  contract: IdentityContract,
  entities: [UserRow, SigningKeyRow, SessionRow, LogInFailureRow],
  migrations: [CreateIdentity1763800000000, AddSessions1764500000000],
  settings: IdentitySettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [
    UserRepository,
    SigningKeyRepository,
    SessionRepository,
    LogInFailureRepository,
    Passwords,
    Backoff,
    LogIn,
    TokenSigner,
    Sessions,
    CleanUp,
    GetSigningKeysHandler,
    GetUserHandler,
    DemoUsers,
  ],
  controllers: [RegisterController, LogInController, RefreshController, LogOutController, MeController, JwksController],
})
export class IdentityModule {}
