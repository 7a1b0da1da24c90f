import { Continues, OnTimer, Process, type Run, Starts } from '@fledge/kit';
import { EventBus } from '@nestjs/cqrs';
import {
  ReleaseStock,
  ReservationExpired,
  SaleRefused,
  SellStock,
  StockReleased,
  StockSold,
} from '@shop/inventory/contract';
import {
  AuthorisePayment,
  CancelFailed,
  CancelPayment,
  CaptureFailed,
  CapturePayment,
  PaymentAuthorised,
  PaymentCancelled,
  PaymentCaptured,
  PaymentDeclined,
} from '@shop/payments/contract';
import {
  CancellationTooLate,
  CancelShipment,
  CreateShipment,
  ShipmentCancelled,
  ShipmentCreated,
  ShipmentDispatched,
  ShipmentLine,
} from '@shop/shipping/contract';
import {
  CancelRequested,
  OrderCancelled,
  OrderCompleted,
  OrderConfirmed,
  OrderPlaced,
  OrderShipped,
} from '../../contract/index.js';
import { OrderingSettings } from '../settings.js';
import { OrderRepository } from '../storage/order.repository.js';
import { CheckoutState } from './checkout-state.js';
import { failOrRetry, REFUSED, Unpaid, UNRETURNED, Unreturned } from './refused-money.js';
import { STOCK_BACK, UNDONE } from './undone.js';

/** The reason for cancelling an order that was not sold in time. */
export const RESERVATION_EXPIRED = 'reservation expired';
const TOO_LATE = 'it was too late to cancel';
const TIMEOUT = 'payment';
const UNPAID = 'unpaid';

type Checkouts = Run<CheckoutState>;

/**
 * Brings an order from placed to paid: authorises the money, sells the stock, ships it, captures the money. If a step
 * fails before it is shipped, or somebody cancels, everything is undone, and the order ends as cancelled with a reason.
 * A shipment that is on its way is not undone.
 */
@Process('checkout', { state: CheckoutState, notRetryable: [Unpaid, Unreturned] })
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
    // an order that is being cancelled is not confirmed: the cancellation is about to arrive here
    if (!(await this.orders.move(orderId, 'placed', 'confirmed'))) return;
    const { userId, totalMinor, currency } = run.state;
    this.events.publish(new OrderConfirmed({ orderId, userId, totalMinor, currency }));
    const lines = (await this.orders.find(orderId))?.lines ?? [];
    run.send(
      new CreateShipment({
        orderId,
        userId,
        lines: lines.map(({ productId, quantity }) => new ShipmentLine({ productId, quantity })),
      }),
    );
    run.state.isShipping = true;
  }

  @Continues(ShipmentCreated, (event) => event.orderId)
  async packed({ orderId }: ShipmentCreated): Promise<void> {
    await this.orders.note(orderId, 'it was packed');
  }

  /**
   * There is no way back from here: not even for an order that is being cancelled, if it was shipped before that was
   * known.
   */
  @Continues(ShipmentDispatched, (event) => event.orderId)
  async dispatched({ orderId, trackingCode }: ShipmentDispatched, run: Checkouts): Promise<void> {
    run.state.isDispatched = true;
    run.state.reason = '';
    await this.orders.note(orderId, 'it was sent');
    if (!(await this.orders.move(orderId, 'confirmed', 'shipped')))
      await this.orders.move(orderId, 'cancelling', 'shipped');
    this.events.publish(new OrderShipped({ orderId, userId: run.state.userId, trackingCode }));
    run.send(new CapturePayment({ orderId }));
  }

  @Continues(CancellationTooLate, (event) => event.orderId)
  async tooLate({ orderId }: CancellationTooLate): Promise<void> {
    await this.orders.note(orderId, TOO_LATE);
  }

  @Continues(ShipmentCancelled, (event) => event.orderId)
  async stopped({ orderId }: ShipmentCancelled, run: Checkouts): Promise<void> {
    run.state.isShipping = false;
    await this.orders.note(orderId, 'nothing is sent');
    if (run.state.reason === '') await this.giveUp(run, 'its shipment was cancelled');
    else this.takeBack(run);
  }

  @Continues(PaymentCaptured, (event) => event.orderId)
  async captured({ orderId }: PaymentCaptured, run: Checkouts): Promise<void> {
    await this.orders.note(orderId, 'the money was taken');
    if (!(await this.orders.move(orderId, 'shipped', 'completed'))) return;
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

  /** Inventory never expires what is sold, so ignore a report that says so. */
  @Continues(ReservationExpired, (event) => event.orderId)
  async expired(_: ReservationExpired, run: Checkouts): Promise<void> {
    if (run.state.isSold !== true) await this.giveUp(run, RESERVATION_EXPIRED);
  }

  @Continues(CaptureFailed, (event) => event.orderId)
  async uncaptured({ orderId, reason, attempt }: CaptureFailed, run: Checkouts): Promise<void> {
    if (run.state.isDispatched !== true) return this.giveUp(run, REFUSED.capture(reason));
    await this.orders.note(orderId, REFUSED.capture(reason));
    Object.assign(run.state, { unpaid: reason, refusedAttempt: attempt });
    // A failure stores nothing, so it is a separate step.
    run.setTimer(UNPAID, 0);
  }

  /**
   * Payments will not try again by itself: the run fails so that somebody looks at it, and the order stays as it is
   * until they resume the run.
   */
  @OnTimer(UNPAID)
  unpaid(run: Checkouts): void {
    failOrRetry(run, new Unpaid(run.key, run.state.unpaid ?? ''));
  }

  @Continues(CancelRequested, (event) => event.orderId)
  async cancel({ orderId, reason }: CancelRequested, run: Checkouts): Promise<void> {
    if (run.state.isDispatched === true) await this.orders.note(orderId, TOO_LATE);
    else await this.giveUp(run, reason);
  }

  @Continues(PaymentCancelled, (event) => event.orderId)
  async moneyBack({ orderId, outcome }: PaymentCancelled, run: Checkouts): Promise<void> {
    run.state.isMoneyBack = true;
    run.cancelTimer(UNRETURNED);
    await this.orders.note(orderId, UNDONE[outcome]);
    return this.end(run);
  }

  @Continues(CancelFailed, (event) => event.orderId)
  async moneyKept({ orderId, reason, attempt }: CancelFailed, run: Checkouts): Promise<void> {
    await this.orders.note(orderId, REFUSED.cancel(reason));
    Object.assign(run.state, { unreturned: reason, refusedAttempt: attempt });
    run.setTimer(UNRETURNED, 0);
  }

  @OnTimer(UNRETURNED)
  unreturned(run: Checkouts): void {
    failOrRetry(run, new Unreturned(run.key, run.state.unreturned ?? ''));
  }

  @Continues(StockReleased, (event) => event.orderId)
  async stockBack({ orderId }: StockReleased, run: Checkouts): Promise<void> {
    run.state.isStockBack = true;
    await this.orders.note(orderId, STOCK_BACK);
    return this.end(run);
  }

  /** Undoes what was done, once: the shipment is stopped first, and the rest follows when shipping reports that. */
  private async giveUp(run: Checkouts, reason: string): Promise<void> {
    if (run.state.reason !== '') return;
    run.state.reason = reason.slice(0, 500);
    run.cancelTimer(TIMEOUT);
    const orderId = run.key;
    if (!(await this.orders.move(orderId, 'placed', 'cancelling', reason)))
      await this.orders.move(orderId, 'confirmed', 'cancelling', reason);
    if (run.state.isShipping === true) run.send(new CancelShipment({ orderId }));
    else this.takeBack(run);
  }

  private takeBack(run: Checkouts): void {
    const orderId = run.key;
    run.send(new CancelPayment({ orderId, reason: run.state.reason }));
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
