/**
 * What other modules may know of identity: the keys that verify its tokens, what these say, and how to reach a user.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { GetSigningKeys } from './get-signing-keys.query.js';
import { GetUser } from './get-user.query.js';

export { ACCESS_TOKENS } from './access-tokens.js';
export {
  EmailTaken,
  LogInBlocked,
  LogInsOverloaded,
  SessionEnded,
  TooManyLogIns,
  UserNotFound,
  WrongCredentials,
} from './errors.js';
export { GetSigningKeys } from './get-signing-keys.query.js';
export { GetUser, UserContact } from './get-user.query.js';

/** Identity: users, passwords, roles, and the tokens that prove them. */
export const IdentityContract = defineContract({
  name: 'identity',
  queries: [GetSigningKeys, GetUser],
  routes: ['/auth', '/users', '/.well-known/jwks.json'],
  unknownFields: 'open',
  access: { identity: 'optional' },
});
