/** What the sandbox provider can be asked to do. */
export const OPERATIONS = ['authorise', 'capture', 'void', 'refund'] as const;

/** One of `OPERATIONS`. */
export type Operation = (typeof OPERATIONS)[number];

/**
 * The outcomes in the book. `approved` and `declined` are final; `pending` may become either; `error` failed on purpose
 * without any effect; `told`: its webhooks were delivered; `untold`: they were given up.
 */
export type Outcome = 'approved' | 'declined' | 'pending' | 'error' | 'told' | 'untold';

/** A line of the provider's book. Lines are only ever added. */
export interface Line {
  /** ISO 8601, by the provider's clock. */
  readonly at: string;
  readonly operation: Operation;
  readonly outcome: Outcome;
  /** The idempotency key; has at most one line per outcome. */
  readonly key: string;
  /** The authorisation that the operation refers to. */
  readonly reference: string;
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly paymentMethod: string;
  readonly reason?: string;
}

/** The provider's book: it survives the process that writes it, and is the truth about what was charged. */
export interface Book {
  /**
   * Passes all lines about an authorisation to `decide`, the oldest first, and writes the line that it returns, if any.
   * If another line about the authorisation was written meanwhile, it decides again. Resolves when the line is durable.
   */
  write(reference: string, decide: (lines: readonly Line[]) => Line | undefined): Promise<void>;
  /** The lines with an idempotency key. */
  find(key: string): Promise<readonly Line[]>;
  /** Up to `limit` pending lines whose webhooks were neither delivered nor given up, the oldest first. */
  untold(limit: number): Promise<readonly Line[]>;
  /** Up to `limit` lines after the first `after`, the oldest first. */
  read(after: number, limit: number): Promise<readonly Line[]>;
}
