import { CurrentUser, type Identity } from '@fledge/kit';
import { Controller, Get, Param } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@fledge/kit/openapi';
import { IsUUID } from 'class-validator';
import { PaymentNotFound } from '../../contract/index.js';
import { PaymentRepository } from '../storage/payment.repository.js';
import { PaymentResource } from './payment.view.js';
import { viewOf } from './view-of.js';

/** The `:orderId` in a path. */
export class PaidOrderId {
  @ApiProperty({ format: 'uuid' }) @IsUUID() readonly orderId!: string;
}

/** The payment of an order, for its buyer and for staff. */
@ApiTags('payments')
@ApiBearerAuth()
@Controller('payments')
export class GetPaymentController {
  constructor(private readonly payments: PaymentRepository) {}

  @Get(':orderId')
  @ApiOperation({ summary: 'Get the payment of an order of mine (staff: of any)' })
  @ApiOkResponse({ type: PaymentResource })
  @ApiBadRequestResponse({ description: 'The id is not a UUID' })
  @ApiNotFoundResponse({ description: "payments.payment-not-found.v1, also for another user's" })
  async get(@CurrentUser() user: Identity, @Param() { orderId }: PaidOrderId): Promise<PaymentResource> {
    const record = await this.payments.record(orderId);
    if (!record || (record.payment.userId !== user.subject && !user.roles.includes('staff')))
      throw new PaymentNotFound({ orderId });
    return new PaymentResource(viewOf(record));
  }
}
