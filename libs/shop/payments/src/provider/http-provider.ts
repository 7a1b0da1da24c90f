import { currentCall } from '@fledge/kit';
import type { Answer } from '../domain/payment.js';
import { type Authorisation, type PaymentProvider, ProviderUnavailable } from './payment-provider.js';

/** The longest answer, in characters: far longer than any real one. */
const ANSWER_MAX = 64 * 1024;
/**
 * Statuses of a step that will be the same on every attempt: the request cannot be fulfilled. All others may change,
 * including those for a wrong address or wrong credentials, which are fixed independently of the order.
 */
const REFUSED: ReadonlySet<number> = new Set([400, 402, 410, 422]);
const REFUSED_OF_REFERENCE: ReadonlySet<number> = new Set([...REFUSED, 404]);
/** The longest stored message of the provider, in characters. */
const REASON_CHARS = 200;

/** Talks to the provider over HTTP. */
export class HttpProvider implements PaymentProvider {
  /**
   * @param url its address; read at each call, since a sandbox in this process gets one only when the module starts.
   * @param timeoutMs how long to wait for an answer.
   */
  constructor(
    private readonly url: () => string,
    private readonly timeoutMs: number,
  ) {}

  authorise({ orderId, amountMinor, currency, paymentMethod }: Authorisation, idempotencyKey: string): Promise<Answer> {
    return this.step('/v1/authorisations', idempotencyKey, REFUSED, '', {
      orderId,
      amountMinor,
      currency,
      paymentMethod,
    });
  }

  capture(reference: string, idempotencyKey: string): Promise<Answer> {
    return this.stepOf(reference, 'capture', idempotencyKey);
  }

  void(reference: string, idempotencyKey: string): Promise<Answer> {
    return this.stepOf(reference, 'void', idempotencyKey);
  }

  refund(reference: string, idempotencyKey: string): Promise<Answer> {
    return this.stepOf(reference, 'refund', idempotencyKey);
  }

  async find(idempotencyKey: string): Promise<Answer | undefined> {
    const { status, text } = await this.send(`/v1/operations/${encodeURIComponent(idempotencyKey)}`, { method: 'GET' });
    return status === 404 ? undefined : answerOf(status, text);
  }

  private stepOf(reference: string, step: string, idempotencyKey: string): Promise<Answer> {
    return this.step(
      `/v1/authorisations/${encodeURIComponent(reference)}/${step}`,
      idempotencyKey,
      REFUSED_OF_REFERENCE,
      reference,
      {},
    );
  }

  private async step(
    path: string,
    idempotencyKey: string,
    refused: ReadonlySet<number>,
    reference: string,
    body: object,
  ): Promise<Answer> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    const { status, text } = await this.send(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (refused.has(status))
      return {
        status: 'declined',
        reference,
        reason: `the provider refused the request with ${status}: ${text.slice(0, REASON_CHARS)}`,
      };
    return answerOf(status, text);
  }

  private async send(path: string, request: RequestInit): Promise<{ status: number; text: string }> {
    const timeout = AbortSignal.timeout(this.timeoutMs);
    const call = currentCall();
    const signal = call ? AbortSignal.any([timeout, call.signal]) : timeout;
    try {
      const response = await fetch(new URL(path, this.url()), { ...request, signal, redirect: 'error' });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      if (timeout.aborted)
        throw new ProviderUnavailable(`the payment provider did not answer within ${this.timeoutMs} ms`, {
          cause: error,
        });
      throw new ProviderUnavailable(`the payment provider cannot be reached: ${reasonOf(error)}`, { cause: error });
    }
  }
}

function answerOf(status: number, text: string): Answer {
  const answer = status === 200 && text.length <= ANSWER_MAX ? parsed(text) : undefined;
  if (answer) return answer;
  throw new ProviderUnavailable(`the payment provider answered ${status}: ${text.slice(0, REASON_CHARS)}`);
}

function parsed(text: string): Answer | undefined {
  try {
    const { status, reference, reason } = JSON.parse(text) as Partial<Record<keyof Answer, unknown>>;
    if (status !== 'approved' && status !== 'declined' && status !== 'pending') return undefined;
    if (typeof reference !== 'string') return undefined;
    return { status, reference, ...(typeof reason === 'string' && { reason }) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** `fetch` says only that it failed; the reason is in the cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
