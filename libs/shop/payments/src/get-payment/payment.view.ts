import { ApiProperty, ApiPropertyOptional } from '@fledge/kit/openapi';
import { PAYMENT_STATES, type PaymentState, type PaymentStepView, type PaymentView } from '../../contract/index.js';

/** A state of a payment, as HTTP shows it. */
export class PaymentStepResource {
  @ApiProperty({ enum: PAYMENT_STATES }) readonly state: PaymentState;
  @ApiProperty() readonly at: Date;
  @ApiPropertyOptional({ description: 'Why, if it went wrong or was cancelled' }) readonly reason?: string;

  constructor(step: PaymentStepView) {
    this.state = step.state;
    this.at = step.at;
    if (step.reason != null) this.reason = step.reason;
  }
}

/** The payment of an order, as HTTP shows it. */
export class PaymentResource {
  @ApiProperty({ format: 'uuid' }) readonly orderId: string;
  @ApiProperty({ enum: PAYMENT_STATES, example: 'captured' }) readonly state: PaymentState;
  @ApiPropertyOptional({ format: 'uuid', description: 'None if it was cancelled before it had begun' })
  readonly userId?: string;
  @ApiProperty({ type: 'integer', example: 6_980, description: 'Minor units' }) readonly amountMinor: number;
  @ApiPropertyOptional({ example: 'EUR' }) readonly currency?: string;
  @ApiPropertyOptional({ example: 'pm_card_approved' }) readonly paymentMethod?: string;
  @ApiProperty({ type: 'integer', example: 6_980, description: 'What was taken: nothing or all' })
  readonly capturedMinor: number;
  @ApiProperty({ type: 'integer', example: 0, description: 'What was given back: nothing or all that was taken' })
  readonly refundedMinor: number;
  @ApiProperty() readonly createdAt: Date;
  @ApiProperty({ type: [PaymentStepResource], description: 'All states, the first first' })
  readonly history: PaymentStepResource[];

  constructor(payment: PaymentView) {
    this.orderId = payment.orderId;
    this.state = payment.state;
    if (payment.userId != null) this.userId = payment.userId;
    this.amountMinor = payment.amountMinor;
    if (payment.currency != null) this.currency = payment.currency;
    if (payment.paymentMethod != null) this.paymentMethod = payment.paymentMethod;
    this.capturedMinor = payment.capturedMinor;
    this.refundedMinor = payment.refundedMinor;
    this.createdAt = payment.createdAt;
    this.history = payment.history.map((step) => new PaymentStepResource(step));
  }
}
