import { GetProduct, GetProducts, ListProducts } from '@shop/catalog/contract';
import { GetSigningKeys, GetUser } from '@shop/identity/contract';
import { GetAvailability, ReleaseStock, ReserveStock, SellStock } from '@shop/inventory/contract';
import { CancelOrder, GetOrder, PlaceOrder, RefundOrder } from '@shop/ordering/contract';
import { AuthorisePayment, CancelPayment, CapturePayment, GetPayment, RetryPayment } from '@shop/payments/contract';
import { CancelShipment, CreateShipment, GetShipment } from '@shop/shipping/contract';
import type { Class } from '@fledge/kit/contract';
import { randomUUID } from 'node:crypto';
import { MODULES, type ShopOfAll } from './shop-of-all.js';

/** A message about what belongs to the buyer; those that change something are about something new. */
export type MessageSample = (world: ShopOfAll) => object;

const buyerOf = (world: ShopOfAll): string => world.identity('buyer')?.subject as string;
const newOrder = (): { orderId: string } => ({ orderId: randomUUID() });

/** By class, so that a message without a sample is seen. */
export const MESSAGES: ReadonlyMap<Class, MessageSample> = new Map<Class, MessageSample>([
  [GetSigningKeys, () => new GetSigningKeys()],
  [GetUser, (world) => new GetUser({ userId: buyerOf(world) })],
  [GetProduct, ({ productId }) => new GetProduct({ productId })],
  [GetProducts, ({ productId }) => new GetProducts({ productIds: [productId] })],
  [ListProducts, () => new ListProducts({ limit: 1 })],
  [GetAvailability, ({ productId }) => new GetAvailability({ productIds: [productId] })],
  [ReserveStock, ({ productId }) => new ReserveStock({ ...newOrder(), lines: [{ productId, quantity: 1 }] })],
  [SellStock, () => new SellStock(newOrder())],
  [ReleaseStock, () => new ReleaseStock(newOrder())],
  [PlaceOrder, (world) => new PlaceOrder({ userId: buyerOf(world) })],
  [GetOrder, ({ packedId }) => new GetOrder({ orderId: packedId })],
  [CancelOrder, ({ orderId }) => new CancelOrder({ orderId, reason: 'tried' })],
  [RefundOrder, ({ orderId }) => new RefundOrder({ orderId, reason: 'tried', restock: false })],
  [
    AuthorisePayment,
    (world) =>
      new AuthorisePayment({
        ...newOrder(),
        userId: buyerOf(world),
        amountMinor: 1,
        currency: 'EUR',
        paymentMethod: 'pm_card_approved',
      }),
  ],
  [CapturePayment, ({ packedId }) => new CapturePayment({ orderId: packedId })],
  [CancelPayment, () => new CancelPayment({ ...newOrder(), reason: 'tried' })],
  [RetryPayment, ({ packedId }) => new RetryPayment({ orderId: packedId })],
  [GetPayment, ({ packedId }) => new GetPayment({ orderId: packedId })],
  [
    CreateShipment,
    (world) =>
      new CreateShipment({
        ...newOrder(),
        userId: buyerOf(world),
        lines: [{ productId: world.productId, quantity: 1 }],
      }),
  ],
  [CancelShipment, () => new CancelShipment(newOrder())],
  [GetShipment, ({ packedId }) => new GetShipment({ orderId: packedId })],
]);

/** Every command and query of every contract: its module, its name and its class. */
export const CONTRACT_MESSAGES = MODULES.flatMap(({ name: module, messages }) =>
  messages.map(({ name, kind, cls, access }) => ({ module, name, kind, cls, callers: access?.callers })),
);
