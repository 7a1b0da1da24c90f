export { ACCESS_TOKEN_RULES, Authentication, AuthenticationGuard } from './authentication.js';
export { AccessGuard, hasRouteRule } from './access.guard.js';
export { identify, IdentityRefused } from './identify.js';
export { Authenticated, CurrentUser, Public, Roles, Scopes } from './decorators.js';
export { KEYS_ASKED_EVERY_MS } from './key-ring.js';
