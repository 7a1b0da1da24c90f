import { FledgeError } from '../contract/index.js';

/** An isolation level was asked for inside a transaction that is open already and so has one. Nothing of it ran. */
export class IsolationInNestedTransaction extends FledgeError {
  readonly code = 'fledge.isolation-in-nested-transaction';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint = 'Ask for the isolation level where the outermost transaction is opened; what is inside joins it.';
  get data(): Readonly<Record<string, unknown>> {
    return { isolation: this.isolation };
  }
  constructor(readonly isolation: string) {
    super(`a transaction with isolation ${isolation} was asked for inside an open transaction, which it would join`);
  }
}
