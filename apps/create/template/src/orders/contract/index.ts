import { defineContract, EventContract, type Fields } from '@fledge/kit/contract';
import { IsInt, IsString, IsUUID } from 'class-validator';

@EventContract('orders.order-placed.v1', { key: 'orderId' })
export class OrderPlaced {
  @IsUUID() readonly orderId!: string;
  @IsString() readonly item!: string;
  @IsInt() readonly quantity!: number;
  constructor(fields: Fields<OrderPlaced>) {
    Object.assign(this, fields);
  }
}

export const OrdersContract = defineContract({ name: 'orders', events: [OrderPlaced], routes: ['/orders'] });
