import { FledgeError, InvalidMessage, type Violation } from '../contract/index.js';

/**
 * A fake did something that the real neighbour cannot do: it returned a result that violates the contract, threw an
 * error that the contract does not declare, or had no handler at all. It fails the test, even if the module under test
 * treated it as a fault.
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
    /** The wire name of the message. */
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

/** Describes what is wrong with a fake's answer, with the violations if its contract refused it. */
export function describeRefusal(refused: unknown): {
  readonly text: string;
  readonly violations: readonly Violation[];
} {
  if (!(refused instanceof InvalidMessage)) return { text: String(refused), violations: [] };
  return { text: refused.message, violations: refused.violations };
}
