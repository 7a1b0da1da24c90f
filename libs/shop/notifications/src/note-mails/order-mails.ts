import { Consumer } from '@fledge/kit';
import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { OrderCancelled, OrderCompleted, OrderConfirmed, OrderRefunded, OrderShipped } from '@shop/ordering/contract';
import { MailRepository } from '../storage/mail.repository.js';

type Told = OrderConfirmed | OrderShipped | OrderCompleted | OrderCancelled | OrderRefunded;

/** Stores a mail for each event of an order, in the transaction that handles the event. It is sent afterwards. */
@Consumer('order-mails')
@EventsHandler(OrderConfirmed, OrderShipped, OrderCompleted, OrderCancelled, OrderRefunded)
export class OrderMails implements IEventHandler<Told> {
  constructor(private readonly mails: MailRepository) {}

  async handle(event: Told): Promise<void> {
    const { orderId, userId } = event;
    if (event instanceof OrderConfirmed)
      await this.mails.add('confirmed', orderId, userId, { totalMinor: event.totalMinor, currency: event.currency });
    else if (event instanceof OrderShipped)
      await this.mails.add('shipped', orderId, userId, { trackingCode: event.trackingCode });
    else if (event instanceof OrderCancelled)
      await this.mails.add('cancelled', orderId, userId, { reason: event.reason });
    else if (event instanceof OrderRefunded)
      await this.mails.add('refunded', orderId, userId, { reason: event.reason });
    else await this.mails.add('completed', orderId, userId, {});
  }
}
