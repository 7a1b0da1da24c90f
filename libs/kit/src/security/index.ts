export { Authentication, AuthenticationGuard } from './authentication.js';
export { CurrentUser, Public, Roles } from './decorators.js';
export { KEYS_ASKED_EVERY_MS } from './key-ring.js';
