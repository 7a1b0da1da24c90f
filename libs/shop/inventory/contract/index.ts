/**
 * What other modules may know of inventory: to reserve stock, to give it back, and how much there is.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { GetAvailability } from './get-availability.query.js';
import { ReleaseStock } from './release-stock.command.js';
import { ReserveStock } from './reserve-stock.command.js';

export { Availability } from './availability.view.js';
export {
  OutOfStock,
  ReceiptDiffers,
  ReservationConfirmed,
  ReservationDiffers,
  ReservationReleased,
  StockNotFound,
  TooMuchStock,
} from './errors.js';
export { GetAvailability } from './get-availability.query.js';
export { ReleaseStock } from './release-stock.command.js';
export { ReserveStock } from './reserve-stock.command.js';
export { RESERVATION_LINES_MAX, RESERVATION_QUANTITY_MAX, ReservationLine, StockReservation } from './stock-reservation.view.js';

/** Inventory: stock, receipts, reservations. */
export const InventoryContract = defineContract({
  name: 'inventory',
  commands: [ReserveStock, ReleaseStock],
  queries: [GetAvailability],
  routes: ['/stock'],
});
