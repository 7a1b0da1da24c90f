/**
 * What other modules may know of identity: the keys that verify its tokens.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { GetSigningKeys } from './get-signing-keys.query.js';

export { EmailTaken, TooManyLogIns, UserNotFound, WrongCredentials } from './errors.js';
export { GetSigningKeys } from './get-signing-keys.query.js';

/** Identity: users, passwords, roles, and the tokens that prove them. */
export const IdentityContract = defineContract({
  name: 'identity',
  queries: [GetSigningKeys],
  routes: ['/auth', '/users', '/.well-known/jwks.json'],
});
