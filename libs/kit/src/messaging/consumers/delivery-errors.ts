import { FledgeError } from '../../contract/index.js';

/**
 * A handler did not finish within its `timeoutMs` and was aborted; its work in the kit's transaction is rolled back.
 */
export class HandlerTimeout extends FledgeError {
  readonly code = 'fledge.handler-timeout';
  readonly kind = 'timeout';
  readonly outcome = 'unknown';
  readonly hint = 'See what the handler waits for; raise `timeoutMs` of its @Consumer if it needs the time.';
  get data(): Readonly<Record<string, unknown>> {
    return { consumer: this.consumer, message: this.contract, timeoutMs: this.timeoutMs };
  }
  constructor(
    readonly consumer: string,
    private readonly contract: string,
    readonly timeoutMs: number,
  ) {
    super(`${consumer} did not handle ${contract} within ${timeoutMs} ms`);
  }
}

/**
 * A message of a version that the consumer's code does not know. It is kept as a dead letter until code that knows the
 * version is deployed.
 */
export class UnknownVersion extends FledgeError {
  readonly code = 'fledge.unknown-version';
  readonly kind = 'invalid';
  readonly outcome = 'not-run';
  readonly hint = 'Handle this version, deploy, and send the dead letter again.';
  get data(): Readonly<Record<string, unknown>> {
    return { consumer: this.consumer, message: this.messageName };
  }
  constructor(
    readonly consumer: string,
    readonly messageName: string,
  ) {
    super(`${consumer} knows no ${messageName}`);
  }
}

/**
 * A handler caught the error of a statement and continued, but PostgreSQL had already aborted its part of the
 * transaction.
 */
export class StatementSwallowed extends FledgeError {
  readonly code = 'fledge.statement-swallowed';
  readonly kind = 'internal';
  readonly outcome = 'rejected';
  readonly hint =
    'Run a statement that may fail in a transaction of its own inside: `dataSource.transaction(…)` opens a savepoint.';
  get data(): Readonly<Record<string, unknown>> {
    return { consumer: this.consumer };
  }
  constructor(readonly consumer: string) {
    super(`${consumer} went on after a statement of its transaction had failed`);
  }
}

/** This replica no longer has a part of the work: another one does it, and what was done for it here is rolled back. */
export class MembershipLost extends FledgeError {
  readonly code = 'fledge.membership-lost';
  readonly kind = 'unavailable';
  readonly outcome = 'not-run';
  readonly hint =
    'Nothing is to be done: the replica that has the work goes on. If it happens often, see what stops the process for seconds.';
  get data(): Readonly<Record<string, unknown>> {
    return { group: this.group };
  }
  constructor(readonly group: string) {
    super(`the work of ${group} is another replica's now`);
  }
}
