import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import {
  ORDER_STATES,
  type OrderLineView,
  type OrderState,
  type OrderStepView,
  type OrderView,
} from '../../contract/index.js';

/** A line of an order, as HTTP shows it. */
export class OrderLineResource {
  @ApiProperty({ format: 'uuid' }) readonly productId: string;
  @ApiProperty({ example: 'DEMO-KIT-0007' }) readonly sku: string;
  @ApiProperty({ example: 'Walnut Cutting Board' }) readonly name: string;
  @ApiProperty({ type: 'integer', example: 3_490, description: 'The price of one when it was ordered, in minor units' })
  readonly unitPriceMinor: number;
  @ApiProperty({ type: 'integer', example: 2 }) readonly quantity: number;

  constructor(line: OrderLineView) {
    this.productId = line.productId;
    this.sku = line.sku;
    this.name = line.name;
    this.unitPriceMinor = line.unitPriceMinor;
    this.quantity = line.quantity;
  }
}

/** Something that happened to an order, as HTTP shows it. */
export class OrderStepResource {
  @ApiProperty() readonly at: Date;
  @ApiProperty({ example: 'the stock was sold', description: 'The name of a state, or a few words' })
  readonly what: string;
  @ApiPropertyOptional({ enum: ORDER_STATES, description: 'The state that it came to, if it is that' })
  readonly state?: OrderState;
  @ApiPropertyOptional({ description: 'Why, if it went wrong' }) readonly reason?: string;

  constructor(step: OrderStepView) {
    this.at = step.at;
    this.what = step.what;
    if (step.state != null) this.state = step.state;
    if (step.reason != null) this.reason = step.reason;
  }
}

/** An order, as HTTP shows it. */
export class OrderResource {
  @ApiProperty({ format: 'uuid' }) readonly id: string;
  @ApiProperty({ enum: ORDER_STATES, example: 'placed' }) readonly state: OrderState;
  @ApiProperty({ example: 'EUR' }) readonly currency: string;
  @ApiProperty({ type: 'integer', example: 6_980, description: 'Minor units' }) readonly totalMinor: number;
  @ApiProperty({ type: [OrderLineResource] }) readonly lines: OrderLineResource[];
  @ApiProperty() readonly createdAt: Date;
  @ApiProperty({ type: [OrderStepResource], description: 'All that happened, the first first' })
  readonly history: OrderStepResource[];

  constructor(order: OrderView) {
    this.id = order.id;
    this.state = order.state;
    this.currency = order.currency;
    this.totalMinor = order.totalMinor;
    this.lines = order.lines.map((line) => new OrderLineResource(line));
    this.createdAt = order.createdAt;
    this.history = order.history.map((step) => new OrderStepResource(step));
  }
}
