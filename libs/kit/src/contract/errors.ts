/** The kind of a failure. A closed set; only the HTTP layer turns a kind into a status. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'too-many'
  | 'unavailable'
  | 'timeout'
  | 'internal';

/**
 * What happened to the work, which tells the caller whether to try again: `rejected`: examined and refused, nothing was
 * done; `not-run`: never started, safe to send again; `unknown`: it may have run, send again only what is idempotent.
 */
export type Outcome = 'rejected' | 'not-run' | 'unknown';

/** The fields of every error of the kit and of every contract. */
export interface ErrorDetails {
  /** Stable and documented: `fledge.…` for the kit's own, the wire name for a contract's. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** The next action, for the person who reads it. */
  readonly hint: string;
  readonly outcome: Outcome;
  /** Names and values of the fact; JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** The root of every error that Fledge raises: a stable code, a fact, a next action, and an outcome. */
export abstract class FledgeError extends Error implements ErrorDetails {
  abstract readonly code: string;
  abstract readonly kind: ErrorKind;
  abstract readonly hint: string;
  abstract readonly outcome: Outcome;
  abstract readonly data: Readonly<Record<string, unknown>>;

  override get name(): string {
    return this.constructor.name;
  }
}

/** One broken rule of a message: where, which rule, and what it requires. */
export interface Violation {
  /** `lines[2].quantity`; empty for the message itself. */
  readonly path: string;
  /** The constraint's name (`min`, `isUuid`), or `type`, `unknown-field`, `too-large`, `too-deep`. */
  readonly rule: string;
  readonly message: string;
}

/** The message (or a declared result or error) does not fit its contract; `violations` says where. Nothing ran. */
export class InvalidMessage extends FledgeError {
  readonly code = 'fledge.invalid-message';
  readonly kind = 'invalid';
  readonly outcome = 'rejected';
  readonly hint = 'Correct the fields named in `violations`; the contract class says what each must be.';
  get data(): Readonly<Record<string, unknown>> {
    return { contract: this.contract, violations: this.violations };
  }
  constructor(
    readonly contract: string,
    readonly violations: readonly Violation[],
  ) {
    super(`${contract} breaks its contract: ${describe(violations)}`);
  }
}

/** A fault inside the called module. Its text stays there, in the log line that carries `correlationId`. */
export class ModuleFault extends FledgeError {
  readonly code = 'fledge.module-fault';
  readonly kind = 'internal';
  readonly outcome = 'unknown';
  readonly hint = "Look for the correlation id in the called module's log.";
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, contract: this.contract, correlationId: this.correlationId };
  }
  constructor(
    readonly module: string,
    readonly contract: string,
    readonly correlationId: string,
  ) {
    super(`${module} failed while handling ${contract} (correlation id ${correlationId})`);
  }
}

/** Why a peer cannot take a call now. */
export type UnavailableReason = 'missing' | 'overloaded' | 'draining' | 'disconnected' | 'database';

/**
 * No replica of the module can take the call now: it never ran, so it is safe to send again. With the reason
 * `database`, the module's database interrupted the call, and `outcome` says whether any of its work may have been
 * committed.
 */
export class ModuleUnavailable extends FledgeError {
  readonly code = 'fledge.module-unavailable';
  readonly kind = 'unavailable';
  get hint(): string {
    if (this.outcome === 'unknown')
      return 'It may have run: send it again only if it is a query or carries an idempotency key.';
    return 'Try again in a moment. If the error persists, check that a service of the topology hosts the module and is ready.';
  }
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, contract: this.contract, reason: this.reason };
  }
  constructor(
    readonly module: string,
    readonly contract: string,
    readonly reason: UnavailableReason,
    /** Default `not-run`; any other only with the reason `database`. */
    readonly outcome: Outcome = 'not-run',
  ) {
    super(`${module} cannot take ${contract} now: ${reason}`);
  }
}

/** The deadline of the call has passed. `outcome` says whether it may have run. */
export class DeadlineExceeded extends FledgeError {
  readonly code = 'fledge.deadline-exceeded';
  readonly kind = 'timeout';
  get hint(): string {
    return this.outcome === 'not-run'
      ? 'The deadline passed before the call was sent: give the outer call more time.'
      : 'It may have run: send it again only if it is a query or carries an idempotency key.';
  }
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, contract: this.contract, outcome: this.outcome };
  }
  constructor(
    readonly module: string,
    readonly contract: string,
    readonly outcome: Outcome,
  ) {
    super(`no answer to ${contract} from ${module} within its deadline`);
  }
}

/** The caller cancelled the call before it was answered. */
export class CallCancelled extends FledgeError {
  readonly code = 'fledge.call-cancelled';
  readonly kind = 'timeout';
  readonly hint = 'The caller went away or aborted its signal.';
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, contract: this.contract, outcome: this.outcome };
  }
  constructor(
    readonly module: string,
    readonly contract: string,
    readonly outcome: Outcome,
  ) {
    super(`${contract} to ${module} was cancelled by its caller`);
  }
}

/** A module was called while a transaction was open: transactions never cross a boundary, not even in one process. */
export class BoundaryCallInTransaction extends FledgeError {
  readonly code = 'fledge.boundary-call-in-transaction';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint = 'Call before the transaction or after it; to act together with a commit, publish an event.';
  get data(): Readonly<Record<string, unknown>> {
    return { caller: this.caller, contract: this.contract };
  }
  constructor(
    readonly caller: string,
    readonly contract: string,
  ) {
    super(`${caller} called ${contract} with a transaction open`);
  }
}

/** A module called a contract that it does not declare in `uses`. */
export class UndeclaredDependency extends FledgeError {
  readonly code = 'fledge.undeclared-dependency';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  get hint(): string {
    return `Add the contract of ${this.contract} to \`uses\` of ${this.caller}'s @BoundedModule, if it may depend on it.`;
  }
  get data(): Readonly<Record<string, unknown>> {
    return { caller: this.caller, contract: this.contract };
  }
  constructor(
    readonly caller: string,
    readonly contract: string,
  ) {
    super(`${caller} does not declare a dependency on ${contract}`);
  }
}

/** A call whose caller is neither a module of the application nor a client that its topology names. Nothing ran. */
export class CallerNotAllowed extends FledgeError {
  readonly code = 'fledge.caller-not-allowed';
  readonly kind = 'forbidden';
  readonly outcome = 'not-run';
  get hint(): string {
    return `Call as a module that has the contract in its \`uses\`, or name the client ${this.caller} under \`nats.clients\` in the topology.`;
  }
  get data(): Readonly<Record<string, unknown>> {
    return { caller: this.caller, contract: this.contract };
  }
  constructor(
    readonly caller: string,
    readonly contract: string,
  ) {
    super(`${caller} may not call ${contract}`);
  }
}

/** A wrong contract, module, setting or resource that stops the start. Says what is wrong and how to fix it. */
export class StartupError extends FledgeError {
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly code: string;
  constructor(
    /** Names the cause; becomes `fledge.startup.<cause>`. */
    cause: string,
    message: string,
    readonly hint: string,
    readonly data: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = `fledge.startup.${cause}`;
  }
}

function describe(violations: readonly Violation[]): string {
  const first = violations.slice(0, 3).map((v) => (v.path ? `${v.path}: ${v.message}` : v.message));
  const rest = violations.length - first.length;
  return first.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
