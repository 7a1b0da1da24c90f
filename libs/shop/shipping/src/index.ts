/** For the host alone: other modules import `@shop/shipping/contract`. */
export { ShippingModule } from './shipping.module.js';
