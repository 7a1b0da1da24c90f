import { EventContract, type Fields } from '@fledge/kit/contract';
import { IsUUID } from 'class-validator';

/** An order is paid. */
@EventContract('ordering.order-completed.v1', { key: 'orderId' })
export class OrderCompleted {
  @IsUUID() readonly orderId!: string;
  @IsUUID() readonly userId!: string;
  constructor(fields: Fields<OrderCompleted>) {
    Object.assign(this, fields);
  }
}
