import { FledgeError, type Violation } from '../contract/index.js';

/** An HTTP request does not match what its route accepts; `violations` says where. Nothing was done. */
export class InvalidRequest extends FledgeError {
  readonly code = 'fledge.invalid-request';
  readonly kind = 'invalid';
  readonly outcome = 'rejected';
  readonly hint = 'Correct what `violations` names; /docs shows what the route takes.';
  get data(): Readonly<Record<string, unknown>> {
    return { violations: this.violations };
  }
  constructor(readonly violations: readonly Violation[]) {
    super(violations.map((v) => (v.path ? `${v.path}: ${v.message}` : v.message)).join('; '));
  }
}

/** The request carries no valid credentials. */
export class Unauthenticated extends FledgeError {
  readonly code = 'fledge.unauthenticated';
  readonly kind = 'unauthenticated';
  readonly outcome = 'rejected';
  readonly hint = 'Log in, and send the token as `Authorization: Bearer <token>`.';
  readonly data = {};
}

/** The caller is authenticated but may not do this. */
export class Forbidden extends FledgeError {
  readonly code = 'fledge.forbidden';
  readonly kind = 'forbidden';
  readonly outcome = 'rejected';
  get hint(): string {
    return this.scopes.length > 0
      ? 'Use a token that has all of the scopes named in `data.scopes`.'
      : 'Use an account that has one of the roles named in `data.roles`.';
  }
  get data(): Readonly<Record<string, unknown>> {
    return this.scopes.length > 0 ? { scopes: this.scopes } : { roles: this.roles };
  }
  constructor(
    readonly roles: readonly string[],
    /** All are needed. Default: it is about roles. */
    readonly scopes: readonly string[] = [],
  ) {
    super(
      scopes.length > 0
        ? `this needs the scopes: ${scopes.join(', ')}`
        : `this needs one of the roles: ${roles.join(', ')}`,
    );
  }
}
