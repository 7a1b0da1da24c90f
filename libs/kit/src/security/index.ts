export { Authentication, AuthenticationGuard } from './authentication.js';
export { AccessGuard } from './access.guard.js';
export { identify, IdentityRefused } from './identify.js';
export { newServiceKeys, type ServiceKeys } from './trust/pinned-keys.js';
export { Trust, type TrustOptions } from './trust/trust.js';
export type { Unproven } from './trust/passport-control.js';
export { CurrentUser, Public, Roles } from './decorators.js';
export { KEYS_ASKED_EVERY_MS } from './key-ring.js';
