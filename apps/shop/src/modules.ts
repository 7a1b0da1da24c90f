import type { Application } from '@fledge/kit';
import { CatalogContract } from '@shop/catalog/contract';
import { IdentityContract } from '@shop/identity/contract';
import { InventoryContract } from '@shop/inventory/contract';
import { OrderingContract } from '@shop/ordering/contract';
import { PaymentsContract } from '@shop/payments/contract';
import { ShippingContract } from '@shop/shipping/contract';
import { NotificationsContract } from '@shop/notifications/contract';

/**
 * The modules of the shop: every process knows the contracts, and loads only the code that it hosts. The only file that
 * imports module classes.
 */
export const shop: Application = {
  name: 'shop',
  // every message and route says who may use it; test/access.md has them all
  access: 'declared',
  modules: [
    { contract: IdentityContract, load: () => import('@shop/identity').then((m) => m.IdentityModule) },
    { contract: CatalogContract, load: () => import('@shop/catalog').then((m) => m.CatalogModule) },
    { contract: InventoryContract, load: () => import('@shop/inventory').then((m) => m.InventoryModule) },
    { contract: OrderingContract, load: () => import('@shop/ordering').then((m) => m.OrderingModule) },
    { contract: PaymentsContract, load: () => import('@shop/payments').then((m) => m.PaymentsModule) },
    { contract: ShippingContract, load: () => import('@shop/shipping').then((m) => m.ShippingModule) },
    { contract: NotificationsContract, load: () => import('@shop/notifications').then((m) => m.NotificationsModule) },
  ],
};
