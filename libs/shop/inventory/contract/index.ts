/**
 * What other modules may know of inventory: reserving, selling and releasing stock, and how much there is.
 * @packageDocumentation
 */
import { defineContract } from '@fledge/kit/contract';
import { GetAvailability } from './get-availability.query.js';
import { ReleaseStock } from './release-stock.command.js';
import { ReservationExpired } from './reservation-expired.event.js';
import { ReserveStock } from './reserve-stock.command.js';
import { SaleRefused } from './sale-refused.event.js';
import { SellStock } from './sell-stock.command.js';
import { StockReleased } from './stock-released.event.js';
import { StockSold } from './stock-sold.event.js';

export { Availability } from './availability.view.js';
export {
  OutOfStock,
  ReceiptDiffers,
  ReservationDiffers,
  ReservationReleased,
  StockNotFound,
  TooMuchStock,
} from './errors.js';
export { GetAvailability } from './get-availability.query.js';
export { ReleaseStock } from './release-stock.command.js';
export { ReservationExpired } from './reservation-expired.event.js';
export { ReserveStock } from './reserve-stock.command.js';
export { SaleRefused } from './sale-refused.event.js';
export { SellStock } from './sell-stock.command.js';
export {
  RESERVATION_LINES_MAX,
  RESERVATION_QUANTITY_MAX,
  ReservationLine,
  StockReservation,
} from './stock-reservation.view.js';
export { StockReleased } from './stock-released.event.js';
export { StockSold } from './stock-sold.event.js';

/** Inventory: stock, receipts, reservations. */
export const InventoryContract = defineContract({
  name: 'inventory',
  commands: [ReserveStock, SellStock, ReleaseStock],
  queries: [GetAvailability],
  events: [StockSold, SaleRefused, StockReleased, ReservationExpired],
  routes: ['/stock'],
  unknownFields: 'open',
  access: { identity: 'optional', callers: ['ordering'] },
});
