import { decodeCursor, encodeCursor, PageRequest, Roles } from '@fledge/kit';
import { Controller, Get, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiForbiddenResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@fledge/kit/openapi';
import { PaymentResource } from '../get-payment/payment.view.js';
import { viewOf } from '../get-payment/view-of.js';
import { type PaymentPlace, PaymentRepository } from '../storage/payment.repository.js';
import { PaymentCursor } from './payment-cursor.js';
import { PaymentPage } from './payment-page.view.js';

/** All payments, for staff. */
@ApiTags('payments')
@ApiBearerAuth()
@Roles('staff')
@Controller('payments')
export class ListPaymentsController {
  constructor(private readonly payments: PaymentRepository) {}

  @Get()
  @ApiOperation({ summary: 'List all payments, the newest first (staff)' })
  @ApiOkResponse({ type: PaymentPage })
  @ApiBadRequestResponse({ description: 'A bad limit or cursor' })
  @ApiForbiddenResponse({ description: 'Not staff' })
  async list(@Query() { limit, cursor }: PageRequest): Promise<PaymentPage> {
    // One more than the page tells whether there is a next one.
    const found = await this.payments.list(cursor === undefined ? undefined : placeOf(cursor), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((record) => new PaymentResource(viewOf(record))),
      nextCursor:
        found.length > limit && last
          ? encodeCursor({
              createdAtMs: last.createdAt.getTime(),
              orderId: last.payment.orderId,
            } satisfies PaymentCursor)
          : null,
    };
  }
}

function placeOf(cursor: string): PaymentPlace {
  const { createdAtMs, orderId } = decodeCursor(cursor, PaymentCursor);
  return { createdAt: new Date(createdAtMs), orderId };
}
