import type { AccessTokenRules } from '@fledge/kit/contract';

/**
 * What identity's access tokens say, for the modules that verify them:
 * `Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)`.
 */
export const ACCESS_TOKENS = {
  issuer: 'identity',
  audience: 'shop',
  lifetimeMaxSeconds: 3_600,
  // a user's id
  subject: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/,
} as const satisfies AccessTokenRules;
