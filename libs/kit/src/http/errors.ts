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

/** Another request with the same idempotency key is running. */
export class RequestInFlight extends FledgeError {
  readonly code = 'fledge.request-in-flight';
  readonly kind = 'conflict';
  readonly outcome = 'not-run';
  readonly hint = 'Wait for `Retry-After`, then send it again with the same key to get the answer of the first.';
  readonly data = { retryAfterSeconds: 1 };
  constructor() {
    super('a request with this Idempotency-Key is still running');
  }
}

/** An idempotency key was used before, for another request. */
export class IdempotencyKeyReused extends FledgeError {
  readonly code = 'fledge.idempotency-key-reused';
  readonly kind = 'invalid';
  readonly outcome = 'rejected';
  readonly hint = 'Use a new key for a new request; a repetition has the same target and the same body.';
  readonly data = {};
  constructor() {
    super('this Idempotency-Key was used for a request with another target or body');
  }
}

/** The request was about a version of the resource that is no longer the current one. */
export class PreconditionFailed extends FledgeError {
  readonly code = 'fledge.precondition-failed';
  readonly kind = 'conflict';
  readonly outcome = 'rejected';
  readonly hint = 'Read it again, and decide whether the change still makes sense.';
  readonly data = {};
  constructor() {
    super('it has been changed since the version that If-Match names');
  }
}

/** There were more requests than a route takes. */
export class RateLimited extends FledgeError {
  readonly code = 'fledge.rate-limited';
  readonly kind = 'too-many';
  readonly outcome = 'not-run';
  readonly hint = 'Send it again after `Retry-After`; `RateLimit` says how many requests are left.';
  get data(): Readonly<Record<string, unknown>> {
    return { retryAfterSeconds: this.retryAfterSeconds };
  }
  constructor(readonly retryAfterSeconds: number) {
    super(`there were too many of these requests: wait ${retryAfterSeconds} s`);
  }
}
