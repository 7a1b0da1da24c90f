import { Public } from '@fledge/kit';
import { Body, Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOperation,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@fledge/kit/openapi';
import { SIGNATURE_HEADER } from './signature.js';
import { SignatureGuard } from './signature-guard.js';
import { WebhookBody } from './webhook-body.js';
import { Webhooks } from './webhooks.js';

/** Receives the provider's reports of results. */
@ApiTags('payments')
@Controller('payments/webhooks')
export class WebhookController {
  constructor(private readonly webhooks: Webhooks) {}

  @Public()
  @UseGuards(SignatureGuard)
  @Post()
  @HttpCode(204)
  @ApiOperation({ summary: 'For the provider: how a step of a payment ended; safe to send again' })
  @ApiHeader({
    name: SIGNATURE_HEADER,
    description: 't=<seconds since 1970>,v1=<hex HMAC-SHA256 of `<seconds>.<body>`>',
    required: true,
  })
  @ApiNoContentResponse({ description: 'Taken, or known already' })
  @ApiBadRequestResponse({ description: 'A field breaks its rule' })
  @ApiUnauthorizedResponse({ description: 'payments.webhook-refused.v1' })
  async take(@Body() body: WebhookBody): Promise<void> {
    await this.webhooks.take(body);
  }
}
