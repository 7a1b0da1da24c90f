import { type CanActivate, type ExecutionContext, Injectable, type RawBodyRequest } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { WebhookRefused } from '../../contract/index.js';
import { PaymentsSettings } from '../settings.js';
import { faultOf, SIGNATURE_HEADER } from './signature.js';

/** Accepts only what the provider signed; checked before the body is read. */
@Injectable()
export class SignatureGuard implements CanActivate {
  constructor(private readonly settings: PaymentsSettings) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, rawBody } = context.switchToHttp().getRequest<RawBodyRequest<IncomingMessage>>();
    const why = faultOf(rawBody, headers[SIGNATURE_HEADER], this.settings.webhookSecret, Date.now());
    if (why !== undefined) throw new WebhookRefused({ why });
    return true;
  }
}
