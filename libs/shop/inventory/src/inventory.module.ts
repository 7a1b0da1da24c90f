import { Authentication, BoundedModule } from '@fledge/kit';
import { CatalogContract } from '@shop/catalog/contract';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '@shop/identity/contract';
import { InventoryContract } from '../contract/index.js';
import { DemoStock } from './demo/demo-stock.js';
import { Expiry } from './expire-reservations/expiry.js';
import { GetAvailabilityHandler } from './get-stock/get-availability.handler.js';
import { GetStockController } from './get-stock/get-stock.controller.js';
import { ReceiveStockController } from './receive-stock/receive-stock.controller.js';
import { Receiving } from './receive-stock/receiving.js';
import { GivingBack } from './release-stock/giving-back.js';
import { ReleaseStockHandler } from './release-stock/release-stock.handler.js';
import { ReserveStockHandler } from './reserve-stock/reserve-stock.handler.js';
import { SellStockHandler } from './sell-stock/sell-stock.handler.js';
import { InventorySettings } from './settings.js';
import { CreateInventory1763800000000 } from './storage/migrations/1763800000000-create-inventory.js';
import { ReceiptRepository } from './storage/receipt.repository.js';
import { ReceiptRow } from './storage/receipt.row.js';
import { ReservationLineRow } from './storage/reservation-line.row.js';
import { ReservationRepository } from './storage/reservation.repository.js';
import { ReservationRow } from './storage/reservation.row.js';
import { StockRepository } from './storage/stock.repository.js';
import { StockRow } from './storage/stock.row.js';

/** Stock, receipts, reservations. */
@BoundedModule({
  contract: InventoryContract,
  uses: [IdentityContract, CatalogContract],
  entities: [StockRow, ReceiptRow, ReservationRow, ReservationLineRow],
  migrations: [CreateInventory1763800000000],
  settings: InventorySettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [
    StockRepository,
    ReceiptRepository,
    ReservationRepository,
    Receiving,
    GivingBack,
    Expiry,
    ReserveStockHandler,
    SellStockHandler,
    ReleaseStockHandler,
    GetAvailabilityHandler,
    DemoStock,
  ],
  controllers: [ReceiveStockController, GetStockController],
})
export class InventoryModule {}
