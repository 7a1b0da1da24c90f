/** For the host alone: other modules import `@shop/payments/contract`. */
export { PaymentsModule } from './payments.module.js';
