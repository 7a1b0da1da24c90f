import { currentCall } from '@fledge/kit';
import { Logger } from '@nestjs/common';
import { CommandBus, CommandHandler, EventBus, type ICommandHandler, QueryBus } from '@nestjs/cqrs';
import { InjectDataSource } from '@nestjs/typeorm';
import { GetProducts } from '@shop/catalog/contract';
import { OutOfStock, ReservationLine, ReserveStock } from '@shop/inventory/contract';
import { DataSource } from 'typeorm';
import {
  CartChanged,
  EmptyCart,
  ItemOutOfStock,
  OrderInProgress,
  OrderNotPlaced,
  OrderPlaced,
  type OrderView,
  PlaceOrder,
} from '../../contract/index.js';
import { takeOut } from '../domain/cart.js';
import { isLeftBehind, type Order, PLACING_DEFAULT_MS, priceLines } from '../domain/order.js';
import { viewOf } from '../get-order/view-of.js';
import { Settlement } from '../settle-orders/settlement.js';
import { CartRepository } from '../storage/cart.repository.js';
import { OrderRepository } from '../storage/order.repository.js';

/** How often an order is priced again if its cart changes meanwhile. */
const PRICINGS_MAX = 3;

/**
 * Places an order in three steps, since no transaction spans modules: stores it as `placing`, reserves its stock under
 * its id, marks it as placed. After a crash in between, the next request with the same key, or the settlement, can
 * finish it.
 */
@CommandHandler(PlaceOrder)
export class PlaceOrderHandler implements ICommandHandler<PlaceOrder> {
  private readonly logger = new Logger(PlaceOrderHandler.name);

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly carts: CartRepository,
    private readonly orders: OrderRepository,
    private readonly settlement: Settlement,
    private readonly events: EventBus,
  ) {}

  async execute({ userId, idempotencyKey, paymentMethod }: PlaceOrder): Promise<OrderView> {
    const key = idempotencyKey ?? undefined;
    const known = key === undefined ? undefined : await this.orders.findByKey(userId, key);
    const order = known ?? (await this.begin(userId, key, paymentMethod ?? undefined));
    // An order found in `placing` belongs to another request, or to one that died: either way it is safe to continue.
    return viewOf(order.state === 'placing' ? await this.finish(order) : order);
  }

  /** Stores an order of the current cart at current prices. */
  private async begin(userId: string, key: string | undefined, paymentMethod: string | undefined): Promise<Order> {
    for (let i = 0; i < PRICINGS_MAX; i++) {
      const cart = await this.carts.find(userId);
      if (cart.lines.length === 0) throw new EmptyCart();
      const products = await this.queries.execute(
        new GetProducts({ productIds: cart.lines.map((line) => line.productId) }),
      );
      const priced = priceLines(cart.lines, products);
      const order = await this.dataSource.transaction(async () => {
        const { version } = await this.carts.lock(userId);
        const known = key === undefined ? undefined : await this.orders.findByKey(userId, key);
        if (known) return known;
        await this.refuseSecond(userId);
        return version === cart.version ? this.orders.add(userId, key, priced, paymentMethod, timeLeftMs()) : undefined;
      });
      if (order) return order;
    }
    throw new CartChanged();
  }

  /**
   * One order at a time, so that one cart is not ordered twice. An order whose request has run out of time was left
   * behind.
   */
  private async refuseSecond(userId: string): Promise<void> {
    const placing = await this.orders.findPlacing(userId);
    if (!placing) return;
    if (!isLeftBehind(placing, Date.now())) throw new OrderInProgress({ orderId: placing.id });
    await this.orders.move(placing.id, 'placing', 'cancelling', 'its request was lost');
  }

  private async finish(order: Order): Promise<Order> {
    const { id: orderId, userId, lines } = order;
    try {
      await this.commands.execute(
        new ReserveStock({
          orderId,
          lines: lines.map(({ productId, quantity }) => new ReservationLine({ productId, quantity })),
        }),
      );
    } catch (error) {
      if (error instanceof OutOfStock) return this.reject(order, error);
      this.logger.warn(`Order ${orderId} is given up: ${error instanceof Error ? error.message : String(error)}`);
      return this.giveUp(orderId);
    }
    const placed = await this.dataSource.transaction(async () => {
      // The cart first, as in `begin`: requests that lock both in the same order cannot deadlock.
      const cart = await this.carts.lock(userId);
      const step = await this.orders.move(orderId, 'placing', 'placed');
      if (!step) return undefined;
      await this.carts.store(userId, takeOut(cart, lines));
      const { totalMinor, currency, paymentMethod } = order;
      if (paymentMethod !== undefined)
        this.events.publish(new OrderPlaced({ orderId, userId, totalMinor, currency, paymentMethod }));
      return step;
    });
    if (!placed) return this.giveUp(orderId);
    return { ...order, state: 'placed', placedAt: placed.at, history: [...order.history, placed] };
  }

  /**
   * Marks the order as rejected, unless another request with the same key has placed it meanwhile: then that is the
   * result.
   */
  private async reject({ id }: Order, { productId, requested, available, message }: OutOfStock): Promise<Order> {
    if (!(await this.orders.move(id, 'placing', 'rejected', message))) {
      const order = await this.orders.find(id);
      if (order?.placedAt) return order;
    }
    throw new ItemOutOfStock({ productId, requested, available });
  }

  /**
   * Whether the stock is reserved is unknown, or the request has ended: releases it, unless another request with the
   * same key has placed the order meanwhile: then that is the result.
   */
  private async giveUp(orderId: string): Promise<Order> {
    const reason = 'its stock could not be reserved';
    const givenUp =
      (await this.orders.move(orderId, 'placing', 'cancelling', reason)) ??
      (await this.orders.move(orderId, 'rejected', 'cancelling', reason));
    if (!givenUp) {
      const order = await this.orders.find(orderId);
      if (order?.placedAt) return order;
    }
    await this.settlement.trySettle(orderId);
    throw new OrderNotPlaced({ orderId });
  }
}

/** The remaining time of the request in milliseconds; after that, it will not place the order any more. */
function timeLeftMs(): number {
  const leftMs = currentCall()?.timeLeftMs ?? Infinity;
  return Number.isFinite(leftMs) ? Math.max(0, Math.ceil(leftMs)) : PLACING_DEFAULT_MS;
}
