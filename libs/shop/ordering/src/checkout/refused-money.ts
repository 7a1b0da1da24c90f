import type { Run } from '@fledge/kit';
import { RetryPayment } from '@shop/payments/contract';

/** An order is on its way, but its money could not be taken: somebody must look into it. */
export class Unpaid extends Error {
  constructor(orderId: string, reason: string) {
    super(
      `order ${orderId} was sent, and its money could not be taken: ${reason}; resume the run to have it tried again`,
    );
    this.name = Unpaid.name;
  }
}

/** An order is cancelled or refunded, but its money could not be returned: somebody must look into it. */
export class Unreturned extends Error {
  constructor(orderId: string, reason: string) {
    super(`the money of order ${orderId} could not be given back: ${reason}; resume the run to have it tried again`);
    this.name = Unreturned.name;
  }
}

/** What the history of an order says when its money is refused. */
export const REFUSED = {
  capture: (reason: string): string => `the money could not be taken: ${reason}`,
  cancel: (reason: string): string => `the money could not be given back: ${reason}`,
};

/** The timer of a run whose money could not be returned. */
export const UNRETURNED = 'unreturned';

/** Fails a run so that somebody looks at it; when they resume it, the provider is asked once more. */
export function failOrRetry(run: Run<{ refusedAttempt?: number }>, failure: Error): void {
  if (!run.isResumed) throw failure;
  const { refusedAttempt } = run.state;
  run.send(new RetryPayment({ orderId: run.key, ...(refusedAttempt != null && { attempt: refusedAttempt }) }));
}
