import { testModule, type TestedModule } from '@fledge/kit/testing';
import type { Answer } from '../src/domain/payment.js';
import { PaymentsModule } from '../src/index.js';
import { HttpProvider } from '../src/provider/http-provider.js';
import { type Authorisation, PAYMENT_PROVIDER, type PaymentProvider } from '../src/provider/payment-provider.js';
import { SandboxInProcess } from '../src/provider/sandbox-in-process.js';

const PROVIDER_TIMEOUT_MS = 300;

/** A provider that can be made to fail. */
export class FaultyProvider implements PaymentProvider {
  /** Returns in place of the real provider, which then gets no request, if it returns something. */
  instead: (step: string, reference: string) => Answer | undefined = () => undefined;
  /** Runs after the real provider has answered, before the caller knows. */
  after: (step: string) => Promise<void> = () => Promise.resolve();
  /** The requests to the real provider, with their keys. */
  readonly asked: string[] = [];
  readonly keys: string[] = [];

  constructor(private readonly real: PaymentProvider) {}

  authorise = (authorisation: Authorisation, key: string): Promise<Answer> =>
    this.pass('authorise', '', key, () => this.real.authorise(authorisation, key));
  capture = (reference: string, key: string): Promise<Answer> =>
    this.pass('capture', reference, key, () => this.real.capture(reference, key));
  void = (reference: string, key: string): Promise<Answer> =>
    this.pass('void', reference, key, () => this.real.void(reference, key));
  refund = (reference: string, key: string): Promise<Answer> =>
    this.pass('refund', reference, key, () => this.real.refund(reference, key));
  find = (key: string): Promise<Answer | undefined> => this.real.find(key);

  private async pass(step: string, reference: string, key: string, ask: () => Promise<Answer>): Promise<Answer> {
    const instead = this.instead(step, reference);
    if (instead) return instead;
    this.asked.push(step);
    this.keys.push(key);
    const answer = await ask();
    await this.after(step);
    return answer;
  }
}

/** The module with a provider that can be made to fail, and the sandbox behind it. */
export async function withFaultyProvider(
  settings: object,
): Promise<{ readonly shop: TestedModule; readonly provider: FaultyProvider }> {
  let provider: FaultyProvider | undefined;
  const shop = await testModule(PaymentsModule, {
    settings: { sandboxSlowMs: 100, sandboxLateMs: 100, ...settings, providerTimeoutMs: PROVIDER_TIMEOUT_MS },
    logger: false,
    override: (builder) =>
      builder.overrideProvider(PAYMENT_PROVIDER).useFactory({
        inject: [SandboxInProcess],
        factory: (place: SandboxInProcess) =>
          (provider = new FaultyProvider(new HttpProvider(() => place.url, PROVIDER_TIMEOUT_MS))),
      }),
  });
  return { shop, provider: provider as unknown as FaultyProvider };
}
