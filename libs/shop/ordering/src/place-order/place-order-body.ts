import { ApiProperty } from '@fledge/kit/openapi';
import { IsOptional, Matches } from 'class-validator';
import { PAYMENT_METHOD } from '../../contract/index.js';

/** How the cart is paid. */
export class PlaceOrderBody {
  @ApiProperty({
    required: false,
    example: 'pm_card_approved',
    description: 'Without one the order stays placed until it is cancelled',
  })
  @IsOptional()
  @Matches(PAYMENT_METHOD, { message: 'must be a payment method, as in pm_card_approved' })
  readonly paymentMethod?: string;
}
