/** For the host alone: other modules import `@shop/ordering/contract`. */
export { OrderingModule } from './ordering.module.js';
