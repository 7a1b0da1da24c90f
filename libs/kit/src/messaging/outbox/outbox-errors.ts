import { FledgeError } from '../../contract/index.js';

/** A contract event was published without an open transaction to store it in. Nothing was stored. */
export class NoOpenTransaction extends FledgeError {
  readonly code = 'fledge.no-open-transaction';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint =
    'Publish it inside `dataSource.transaction(async () => …)`, with the change that it tells of; a query runner opened by hand does not do.';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(module: string, message: string) {
    super(`${module} published '${message}' and no transaction is open`);
    this.data = { module, message };
  }
}

/** A module published an event that is not in its own contract. Nothing was stored. */
export class ForeignEvent extends FledgeError {
  readonly code = 'fledge.foreign-event';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(module: string, event: string, owner: string | undefined) {
    super(
      `${module} published '${event}', which ${owner === undefined ? 'no contract lists' : `is an event of ${owner}`}`,
    );
    this.hint =
      owner === undefined
        ? `List it in \`events\` of the contract of ${module}.`
        : `Only ${owner} can say so: send it a command, or publish an event of ${module}.`;
    this.data = { module, event, owner };
  }
}
