import { Authentication, BoundedModule } from '@fledge/kit';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '@shop/identity/contract';
import { PaymentsContract } from '../contract/index.js';
import { AuthorisePaymentHandler } from './authorise-payment/authorise-payment.handler.js';
import { CancelPaymentHandler } from './cancel-payment/cancel-payment.handler.js';
import { CapturePaymentHandler } from './capture-payment/capture-payment.handler.js';
import { GetPaymentController } from './get-payment/get-payment.controller.js';
import { GetPaymentHandler } from './get-payment/get-payment.handler.js';
import { ListPaymentsController } from './list-payments/list-payments.controller.js';
import { HttpProvider } from './provider/http-provider.js';
import { PAYMENT_PROVIDER } from './provider/payment-provider.js';
import { SandboxInProcess } from './provider/sandbox-in-process.js';
import { RetryPaymentHandler } from './retry-payment/retry-payment.handler.js';
import { PaymentsSettings } from './settings.js';
import { Asking } from './settle-payment/asking.js';
import { Payments } from './settle-payment/payments.js';
import { Sweep } from './settle-payment/sweep.js';
import { LedgerRepository } from './storage/ledger.repository.js';
import { CreatePayments1763900000000 } from './storage/migrations/1763900000000-create-payments.js';
import { RetryPayments1764200000000 } from './storage/migrations/1764200000000-retry-payments.js';
import { PaymentStepRow } from './storage/payment-step.row.js';
import { PaymentRepository } from './storage/payment.repository.js';
import { PaymentRow } from './storage/payment.row.js';
import { WebhookEventRepository } from './storage/webhook-event.repository.js';
import { WebhookController } from './webhooks/webhook.controller.js';
import { Webhooks } from './webhooks/webhooks.js';

/** Payments through a provider, and the ledger. */
@BoundedModule({
  contract: PaymentsContract,
  uses: [IdentityContract],
  entities: [PaymentRow, PaymentStepRow],
  migrations: [CreatePayments1763900000000, RetryPayments1764200000000],
  settings: PaymentsSettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [
    PaymentRepository,
    LedgerRepository,
    WebhookEventRepository,
    Payments,
    Asking,
    Sweep,
    Webhooks,
    SandboxInProcess,
    {
      provide: PAYMENT_PROVIDER,
      inject: [SandboxInProcess, PaymentsSettings],
      useFactory: (place: SandboxInProcess, { providerTimeoutMs }: PaymentsSettings) =>
        new HttpProvider(() => place.url, providerTimeoutMs),
    },
    AuthorisePaymentHandler,
    CapturePaymentHandler,
    CancelPaymentHandler,
    RetryPaymentHandler,
    GetPaymentHandler,
  ],
  controllers: [ListPaymentsController, WebhookController, GetPaymentController],
})
export class PaymentsModule {}
