/** For the host alone: other modules import `@shop/identity/contract`. */
export { IdentityModule } from './identity.module.js';
