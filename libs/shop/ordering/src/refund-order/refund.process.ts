import { Continues, OnTimer, Process, type Run, Starts } from '@fledge/kit';
import { EventBus } from '@nestjs/cqrs';
import { ReleaseStock, StockReleased } from '@shop/inventory/contract';
import { CancelFailed, CancelPayment, PaymentCancelled } from '@shop/payments/contract';
import { OrderRefunded, RefundRequested } from '../../contract/index.js';
import { failOrRetry, REFUSED, UNRETURNED, Unreturned } from '../checkout/refused-money.js';
import { STOCK_BACK, UNDONE } from '../checkout/undone.js';
import { OrderRepository } from '../storage/order.repository.js';
import { RefundState } from './refund-state.js';

type Refunds = Run<RefundState>;

/** Returns the money of a completed order, and its stock if requested. */
@Process('refund', { state: RefundState, notRetryable: [Unreturned] })
export class Refund {
  constructor(
    private readonly orders: OrderRepository,
    private readonly events: EventBus,
  ) {}

  @Starts(RefundRequested, (event) => event.orderId)
  begin({ orderId, userId, reason, restock }: RefundRequested, run: Refunds): void {
    Object.assign(run.state, { userId, reason, isStockBack: !restock });
    run.send(new CancelPayment({ orderId, reason }));
    if (restock) run.send(new ReleaseStock({ orderId }));
  }

  @Continues(PaymentCancelled, (event) => event.orderId)
  async moneyBack({ orderId, outcome }: PaymentCancelled, run: Refunds): Promise<void> {
    run.state.isMoneyBack = true;
    run.cancelTimer(UNRETURNED);
    await this.orders.note(orderId, UNDONE[outcome]);
    await this.end(run);
  }

  @Continues(CancelFailed, (event) => event.orderId)
  async moneyKept({ orderId, reason, attempt }: CancelFailed, run: Refunds): Promise<void> {
    await this.orders.note(orderId, REFUSED.cancel(reason));
    Object.assign(run.state, { unreturned: reason, refusedAttempt: attempt });
    // A failure stores nothing, so it is a separate step.
    run.setTimer(UNRETURNED, 0);
  }

  @OnTimer(UNRETURNED)
  unreturned(run: Refunds): void {
    failOrRetry(run, new Unreturned(run.key, run.state.unreturned ?? ''));
  }

  @Continues(StockReleased, (event) => event.orderId)
  async stockBack({ orderId }: StockReleased, run: Refunds): Promise<void> {
    if (run.state.isStockBack) return;
    run.state.isStockBack = true;
    await this.orders.note(orderId, STOCK_BACK);
    await this.end(run);
  }

  private async end(run: Refunds): Promise<void> {
    const { isMoneyBack, isStockBack, userId, reason } = run.state;
    if (!isMoneyBack || !isStockBack) return;
    await this.orders.move(run.key, 'refunding', 'refunded', reason);
    this.events.publish(new OrderRefunded({ orderId: run.key, userId, reason }));
    run.finish('refunded');
  }
}
