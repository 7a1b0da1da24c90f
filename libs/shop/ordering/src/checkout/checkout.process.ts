import { Continues, OnTimer, Process, type Run, Starts } from '@fledge/kit';
import { EventBus } from '@nestjs/cqrs';
import { ReleaseStock, ReservationExpired, SaleRefused, SellStock, StockReleased, StockSold } from '@shop/inventory/contract';
import { AuthorisePayment, CancelPayment, CaptureFailed, CapturePayment, PaymentAuthorised, PaymentCancelled, PaymentCaptured, PaymentDeclined } from '@shop/payments/contract';
import { CancelRequested, OrderCancelled, OrderCompleted, OrderConfirmed, OrderPlaced } from '../../contract/index.js';
import { OrderingSettings } from '../settings.js';
import { OrderRepository } from '../storage/order.repository.js';
import { CheckoutState } from './checkout-state.js';
import { STOCK_BACK, UNDONE } from './undone.js';

/** Why an order is cancelled that was not sold in time. */
export const RESERVATION_EXPIRED = 'reservation expired';
const TIMEOUT = 'payment';

type Checkouts = Run<CheckoutState>;

/**
 * Brings an order from placed to paid: sets the money aside, sells the stock, takes the money. Whatever fails on the way, and whoever
 * cancels, both go back, and the order ends as cancelled with its reason.
 */
@Process('checkout', { state: CheckoutState })
export class Checkout {
  constructor(
    private readonly orders: OrderRepository,
    private readonly events: EventBus,
    private readonly settings: OrderingSettings,
  ) {}

  @Starts(OrderPlaced, (event) => event.orderId)
  begin({ orderId, userId, totalMinor, currency, paymentMethod }: OrderPlaced, run: Checkouts): void {
    Object.assign(run.state, { userId, totalMinor, currency });
    run.send(new AuthorisePayment({ orderId, userId, amountMinor: totalMinor, currency, paymentMethod }));
    run.setTimer(TIMEOUT, this.settings.paymentTimeoutMs);
  }

  @Continues(PaymentAuthorised, (event) => event.orderId)
  async authorised({ orderId }: PaymentAuthorised, run: Checkouts): Promise<void> {
    run.cancelTimer(TIMEOUT);
    await this.orders.note(orderId, 'the payment was authorised');
    if (run.state.reason === '') run.send(new SellStock({ orderId }));
  }

  @Continues(StockSold, (event) => event.orderId)
  async sold({ orderId }: StockSold, run: Checkouts): Promise<void> {
    run.state.isSold = true;
    await this.orders.note(orderId, 'the stock was sold');
    if (run.state.reason !== '') return;
    // an order that is being cancelled is not confirmed: the request to cancel it is on its way here
    if (!(await this.orders.move(orderId, 'placed', 'confirmed'))) return;
    const { userId, totalMinor, currency } = run.state;
    this.events.publish(new OrderConfirmed({ orderId, userId, totalMinor, currency }));
    run.send(new CapturePayment({ orderId }));
  }

  @Continues(PaymentCaptured, (event) => event.orderId)
  async captured({ orderId }: PaymentCaptured, run: Checkouts): Promise<void> {
    await this.orders.note(orderId, 'the money was taken');
    if (run.state.reason !== '' || !(await this.orders.move(orderId, 'confirmed', 'completed'))) return;
    this.events.publish(new OrderCompleted({ orderId, userId: run.state.userId }));
    run.finish('completed');
  }

  @Continues(PaymentDeclined, (event) => event.orderId)
  declined({ reason }: PaymentDeclined, run: Checkouts): Promise<void> {
    return this.giveUp(run, `the payment was declined: ${reason}`);
  }

  @OnTimer(TIMEOUT)
  late(run: Checkouts): Promise<void> {
    return this.giveUp(run, 'the payment was not authorised in time');
  }

  @Continues(SaleRefused, (event) => event.orderId)
  refused({ reason }: SaleRefused, run: Checkouts): Promise<void> {
    return this.giveUp(run, `its stock could not be sold: ${reason}`);
  }

  /** Inventory lets nothing expire that is sold; one who says so all the same is not believed. */
  @Continues(ReservationExpired, (event) => event.orderId)
  async expired(_: ReservationExpired, run: Checkouts): Promise<void> {
    if (run.state.isSold !== true) await this.giveUp(run, RESERVATION_EXPIRED);
  }

  @Continues(CaptureFailed, (event) => event.orderId)
  uncaptured({ reason }: CaptureFailed, run: Checkouts): Promise<void> {
    return this.giveUp(run, `the money could not be taken: ${reason}`);
  }

  @Continues(CancelRequested, (event) => event.orderId)
  cancel({ reason }: CancelRequested, run: Checkouts): Promise<void> {
    return this.giveUp(run, reason);
  }

  @Continues(PaymentCancelled, (event) => event.orderId)
  async moneyBack({ orderId, outcome }: PaymentCancelled, run: Checkouts): Promise<void> {
    run.state.isMoneyBack = true;
    await this.orders.note(orderId, UNDONE[outcome]);
    return this.end(run);
  }

  @Continues(StockReleased, (event) => event.orderId)
  async stockBack({ orderId }: StockReleased, run: Checkouts): Promise<void> {
    run.state.isStockBack = true;
    await this.orders.note(orderId, STOCK_BACK);
    return this.end(run);
  }

  /** Takes back what was done, once; it is told when that has happened. */
  private async giveUp(run: Checkouts, reason: string): Promise<void> {
    if (run.state.reason !== '') return;
    run.state.reason = reason.slice(0, 500);
    run.cancelTimer(TIMEOUT);
    const orderId = run.key;
    for (const state of ['placed', 'confirmed'] as const) await this.orders.move(orderId, state, 'cancelling', reason);
    run.send(new CancelPayment({ orderId, reason: reason.slice(0, 200) }));
    run.send(new ReleaseStock({ orderId }));
  }

  private async end(run: Checkouts): Promise<void> {
    const { reason, isMoneyBack, isStockBack, userId } = run.state;
    if (reason === '' || !isMoneyBack || !isStockBack) return;
    await this.orders.move(run.key, 'cancelling', 'cancelled', reason);
    this.events.publish(new OrderCancelled({ orderId: run.key, userId, reason }));
    run.finish('cancelled');
  }
}
