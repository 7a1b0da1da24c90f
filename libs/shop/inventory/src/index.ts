/** For the host alone: other modules import `@shop/inventory/contract`. */
export { InventoryModule } from './inventory.module.js';
