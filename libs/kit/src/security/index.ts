export { ACCESS_TOKEN_RULES, Authentication, AuthenticationGuard } from './authentication.js';
export { AccessGuard, hasRouteRule } from './access.guard.js';
export { identify, IdentityRefused } from './identify.js';
export { Authenticated, CurrentUser, Public, Roles, Scopes } from './decorators.js';
export { newServiceKeys, type ServiceKeys } from './trust/pinned-keys.js';
export { Trust, type TrustOptions } from './trust/trust.js';
export type { Unproven } from './trust/passport-control.js';
export { keyTrustModule, type KeyTrust, proveKeySets } from './key-trust.js';
export { KeysRefused } from './trust/key-set.js';
