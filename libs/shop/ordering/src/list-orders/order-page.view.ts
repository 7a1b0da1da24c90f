import { ApiProperty } from '@fledge/kit/openapi';
import { OrderResource } from '../get-order/order.view.js';

/** A page of orders. */
export class OrderPage {
  @ApiProperty({ type: [OrderResource] }) readonly items!: OrderResource[];
  @ApiProperty({ type: String, nullable: true, description: 'Send it as `cursor` for the next page; null on the last' })
  readonly nextCursor!: string | null;
}
