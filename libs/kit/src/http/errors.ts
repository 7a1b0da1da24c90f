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
  readonly hint = 'Use an account that has one of the roles named in `data.roles`.';
  get data(): Readonly<Record<string, unknown>> {
    return { roles: this.roles };
  }
  constructor(readonly roles: readonly string[]) {
    super(`this needs one of the roles: ${roles.join(', ')}`);
  }
}
