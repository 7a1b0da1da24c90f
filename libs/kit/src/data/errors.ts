import { FledgeError, type Outcome } from '../contract/index.js';

/** An isolation level was requested inside an open transaction, which already has one. Nothing of it ran. */
export class IsolationInNestedTransaction extends FledgeError {
  readonly code = 'fledge.isolation-in-nested-transaction';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint = 'Set the isolation level where the outermost transaction is opened; inner transactions join it.';
  get data(): Readonly<Record<string, unknown>> {
    return { isolation: this.isolation };
  }
  constructor(readonly isolation: string) {
    super(`a transaction with isolation ${isolation} was requested inside an open transaction, which it would join`);
  }
}

/**
 * No connection to the module's database was available: the server is down, or the pool was busy for too long. Nothing
 * ran.
 */
export class DatabaseUnavailable extends FledgeError {
  readonly code = 'fledge.database-unavailable';
  readonly kind = 'unavailable';
  readonly outcome = 'not-run';
  readonly hint =
    'Try again in a moment. If the error persists, check that PostgreSQL runs, and raise `database.poolMax` or add replicas.';
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module };
  }
  constructor(
    readonly module: string,
    options: ErrorOptions,
  ) {
    super(`${module} cannot get a connection to its database`, options);
  }
}

/**
 * The module's database interrupted the work for a temporary reason: a lost connection, a deadlock, a serialization
 * failure. `outcome` says whether any of it may have been committed.
 */
export class DatabaseInterrupted extends FledgeError {
  readonly code = 'fledge.database-interrupted';
  readonly kind = 'unavailable';
  get hint(): string {
    return this.outcome === 'unknown'
      ? 'It may have been done: check first, or send it again if it is safe to repeat.'
      : 'Nothing was committed: send it again in a moment.';
  }
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, outcome: this.outcome };
  }
  constructor(
    readonly module: string,
    readonly outcome: Outcome,
    options: ErrorOptions,
  ) {
    super(`the database of ${module} interrupted the work`, options);
  }
}

/**
 * Abandoned or unawaited work used the transaction that it was part of, after the end of that transaction. The query
 * did not run.
 */
export class TransactionOver extends FledgeError {
  readonly code = 'fledge.transaction-over';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint = 'Await all work of a handler before it ends, and end when the signal of `currentCall()` aborts.';
  readonly data = {};
  constructor() {
    super('a query was made after the end of its transaction');
  }
}
