/** What the sandbox provider can be asked to do. */
export const OPERATIONS = ['authorise', 'capture', 'void', 'refund'] as const;

/** One of `OPERATIONS`. */
export type Operation = (typeof OPERATIONS)[number];

/**
 * What is written of an operation. `approved` and `declined` are final; `pending` may become either; `error` failed on
 * purpose and did nothing; `told`: its webhooks were delivered; `untold`: they were given up.
 */
export type Outcome = 'approved' | 'declined' | 'pending' | 'error' | 'told' | 'untold';

/** A line of the provider's book. Lines are only ever added. */
export interface Line {
  /** ISO 8601, by the provider's clock. */
  readonly at: string;
  readonly operation: Operation;
  readonly outcome: Outcome;
  /** The idempotency key; has one line of an outcome at most. */
  readonly key: string;
  /** Names the authorisation that the operation is about. */
  readonly reference: string;
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly paymentMethod: string;
  readonly reason?: string;
}

/** The provider's book: survives the process that keeps it, and is the truth about what was charged. */
export interface Book {
  /**
   * Hands `decide` all lines about an authorisation, the oldest first, and writes the line that it answers, if any.
   * When somebody else wrote about the same authorisation meanwhile, it decides again. Resolves when the line is stored
   * for good.
   */
  write(reference: string, decide: (lines: readonly Line[]) => Line | undefined): Promise<void>;
  /** The lines with an idempotency key. */
  find(key: string): Promise<readonly Line[]>;
  /** Up to `limit` pending lines whose operations were neither told nor given up, the oldest first. */
  untold(limit: number): Promise<readonly Line[]>;
  /** Up to `limit` lines from after a number of them, the oldest first. */
  read(after: number, limit: number): Promise<readonly Line[]>;
}
