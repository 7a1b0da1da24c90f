import { redacted } from './redacted.js';

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

/**
 * Why a peer cannot take a call now. The last two are the caller's own: the circuit to a silent module is open, or too
 * many of its calls wait for that module.
 */
export type UnavailableReason =
  'missing' | 'overloaded' | 'draining' | 'disconnected' | 'database' | 'circuit-open' | 'bulkhead-full';

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

/** What of an access rule a call did not fit. */
export type DenialReason = 'caller' | 'identity' | 'roles' | 'scopes' | 'owner';

const DENIAL_KINDS: Readonly<Record<DenialReason, ErrorKind>> = {
  // a module that may not call is a fault of the application, not of the user behind it
  caller: 'internal',
  identity: 'unauthenticated',
  roles: 'forbidden',
  scopes: 'forbidden',
  owner: 'forbidden',
};

/** The access rule of a message does not allow this caller, or the user behind the call. Nothing ran. */
export class AccessDenied extends FledgeError {
  readonly code = 'fledge.access-denied';
  readonly outcome = 'not-run';
  get kind(): ErrorKind {
    return DENIAL_KINDS[this.reason];
  }
  get hint(): string {
    return this.reason === 'caller'
      ? `Name the calling module in \`access.callers\` of ${this.contract}, if it may send it.`
      : `Call on behalf of a user that \`access\` of ${this.contract} allows.`;
  }
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, contract: this.contract, caller: this.caller, reason: this.reason };
  }
  constructor(
    readonly module: string,
    readonly contract: string,
    readonly caller: string,
    readonly reason: DenialReason,
  ) {
    super(`${module} does not take ${contract} from ${caller}: ${DENIALS[reason]}`);
  }
}

const DENIALS: Readonly<Record<DenialReason, string>> = {
  caller: 'its contract does not name this caller',
  identity: 'no user is behind the call, and it needs one',
  roles: 'the user has none of the roles that it needs',
  scopes: 'the user was not granted the scopes that it needs',
  owner: 'it is about another user',
};

/** Why a passport, or a call without one, was refused. */
export type PassportFlaw =
  | 'missing'
  | 'malformed'
  | 'kind'
  | 'unknown-key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'message'
  | 'identity'
  | 'expired'
  | 'deadline';

const FLAWS: Readonly<Record<PassportFlaw, string>> = {
  missing: 'it names a user, and no passport proves it',
  malformed: 'its passport cannot be read',
  kind: 'what it has for a passport is a token of another kind',
  'unknown-key': 'the key of its passport is not pinned here, or revoked',
  signature: 'the signature of its passport is wrong',
  issuer: 'the key of its passport does not speak for the calling module',
  audience: 'its passport is for another module or deployment',
  message: 'its passport is for another message',
  identity: 'it names another user than its passport',
  expired: 'its passport has expired, or is not valid yet',
  deadline: 'it wants more time than its passport has',
};

/** A call from another process did not prove who acts in it. Its handler did not run. */
export class PassportRefused extends FledgeError {
  readonly code = 'fledge.passport-refused';
  readonly kind = 'internal';
  readonly outcome = 'rejected';
  readonly hint =
    'Check that both services have the same `deployment` and pin the key of the calling service under `trust.keys`, and that their clocks agree.';
  get data(): Readonly<Record<string, unknown>> {
    return { module: this.module, contract: this.contract, flaw: this.flaw };
  }
  constructor(
    readonly module: string,
    readonly contract: string,
    readonly flaw: PassportFlaw,
  ) {
    super(`${module} refused ${contract}: ${FLAWS[flaw]}`);
  }
}

/** Whether this is one of the reasons for which a passport is refused. */
export function isPassportFlaw(value: unknown): value is PassportFlaw {
  return typeof value === 'string' && Object.hasOwn(FLAWS, value);
}

/** Characters of a caller's name in an error; that of a module or a client has at most 40. */
const CALLER_SHOWN_CHARS_MAX = 64;

/** A call whose caller is neither a module of the application nor a client that its topology names. Nothing ran. */
export class CallerNotAllowed extends FledgeError {
  readonly code = 'fledge.caller-not-allowed';
  readonly kind = 'internal';
  readonly caller: string;
  readonly outcome = 'not-run';
  get hint(): string {
    return `Call as a module that has the contract in its \`uses\`, or name the client ${this.caller} under \`nats.clients\` in the topology.`;
  }
  get data(): Readonly<Record<string, unknown>> {
    return { caller: this.caller, contract: this.contract };
  }
  constructor(
    caller: string,
    readonly contract: string,
  ) {
    // whoever calls chooses the name
    const shown = caller.slice(0, CALLER_SHOWN_CHARS_MAX);
    super(`${shown} may not call ${contract}`);
    this.caller = shown;
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
    super(redacted(message));
    this.code = `fledge.startup.${cause}`;
  }
}

function describe(violations: readonly Violation[]): string {
  const first = violations.slice(0, 3).map((v) => (v.path ? `${v.path}: ${v.message}` : v.message));
  const rest = violations.length - first.length;
  return first.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
