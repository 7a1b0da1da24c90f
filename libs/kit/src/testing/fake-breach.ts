import { FledgeError, InvalidMessage, type Violation } from '../contract/index.js';

/**
 * A fake did what the neighbour that it stands for cannot do: answered against its contract, threw an error that the
 * contract does not declare, or was never told to answer at all. It fails the test, also when the module under test
 * took it for a fault.
 */
export class FakeBreach extends FledgeError {
  readonly code = 'fledge.fake-breach';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  get data(): Readonly<Record<string, unknown>> {
    return { contract: this.contract, message: this.wireName, violations: this.violations };
  }
  constructor(
    /** The neighbour's module. */
    readonly contract: string,
    /** Of the message that was answered, or should have been. */
    readonly wireName: string,
    fact: string,
    readonly hint: string,
    readonly violations: readonly Violation[] = [],
    cause?: unknown,
  ) {
    super(`${fact}\n  ${hint}`);
    this.cause = cause;
  }
}

/** What is wrong with what a fake answered, in words; with the violations where it was refused by its contract. */
export function describeRefusal(refused: unknown): {
  readonly text: string;
  readonly violations: readonly Violation[];
} {
  if (!(refused instanceof InvalidMessage)) return { text: String(refused), violations: [] };
  return { text: refused.message, violations: refused.violations };
}
