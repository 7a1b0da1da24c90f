import { FledgeError, nearest } from '@fledge/kit/operator';

/** A name that the database does not know. Nothing was changed. */
export class UnknownName extends FledgeError {
  readonly code = 'fledge.unknown-name';
  readonly kind = 'not-found';
  readonly outcome = 'rejected';
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** @param what as in `module` or `consumer of ordering`. */
  constructor(what: string, name: string, known: readonly string[]) {
    super(`there is no ${what} '${name}'`);
    const guess = nearest(name, known);
    this.hint = guess ? `Did you mean '${guess}'?` : `There are: ${known.join(', ') || 'none'}.`;
    this.data = { name, known };
  }
}

/** There is no such dead letter, or no such run. Nothing was changed. */
export class NothingThere extends FledgeError {
  readonly code = 'fledge.nothing-there';
  readonly kind = 'not-found';
  readonly outcome = 'rejected';
  readonly data = {};
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}
