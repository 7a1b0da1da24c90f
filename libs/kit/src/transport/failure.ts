import {
  type Call,
  type CallOutcome,
  type EncodedError,
  type CompiledError,
  type CompiledMessage,
  outcomeOf,
  decodeError,
} from '../boundary/index.js';
import {
  AccessDenied,
  CallerNotAllowed,
  DeadlineExceeded,
  type DenialReason,
  type ErrorDetails,
  type ErrorKind,
  FledgeError,
  InvalidMessage,
  isPassportFlaw,
  ModuleFault,
  ModuleUnavailable,
  type Outcome,
  PassportRefused,
  type UnavailableReason,
  type Violation,
} from '../contract/index.js';

/** An error that returns to a caller in another process, as plain data. */
export interface Failure {
  /** The wire name of a declared error, or the code of a kit error. */
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string;
  readonly outcome: Outcome;
  /** The fields of a declared error, or the `data` of a kit error. */
  readonly data: unknown;
}

/** An error of the kit. */
export function kitFailure({ code, kind, message, hint, outcome, data }: Error & ErrorDetails): Failure {
  return { code, kind, message, hint, outcome, data };
}

/** An error that the contract declares. */
export function declaredFailure({ name, kind, hint }: CompiledError, { message, fields }: EncodedError): Failure {
  return { code: name, kind, message, hint, outcome: 'rejected', data: fields };
}

/** A returned error, recreated for the caller, and how metrics count it. */
export interface FailureReply {
  readonly error: Error;
  readonly outcome: CallOutcome;
  /** Set when the callee did not accept the call. */
  readonly unavailable?: UnavailableReason;
}

const REASONS: readonly unknown[] = [
  'missing',
  'overloaded',
  'draining',
  'disconnected',
  'database',
  'circuit-open',
  'bulkhead-full',
] satisfies UnavailableReason[];
const DENIALS: readonly unknown[] = ['caller', 'identity', 'roles', 'scopes', 'owner'] satisfies DenialReason[];
const KINDS: readonly unknown[] = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'too-many',
  'unavailable',
  'timeout',
  'internal',
] satisfies ErrorKind[];
const OUTCOMES: readonly unknown[] = ['rejected', 'not-run', 'unknown'] satisfies Outcome[];

/** Reads a failure from its JSON. One that is malformed or not declared by the contract becomes a `ModuleFault`. */
export function readFailure(call: Call, body: string): FailureReply {
  const { message } = call;
  const failure = parse(body);
  const data = record(failure?.data);
  const compiled = message.errorsByName.get(String(failure?.code));
  if (compiled) return declared(call, compiled, String(failure?.message), failure?.data);
  const error = kitError(message, failure?.code, failure?.outcome, data) ?? faultOf(call, data.correlationId);
  return { error, outcome: outcomeOf(error), ...(error instanceof ModuleUnavailable && { unavailable: error.reason }) };
}

/**
 * Returns the error that a failure describes, for a client that is not a module. An error of a contract that is not in
 * `errors` becomes a `RemoteError`.
 */
export function errorOf(failure: unknown, errors: ReadonlyMap<string, CompiledError>): Error {
  const { code, kind, message, hint, outcome, data } = record(failure);
  const fields = record(data);
  const compiled = errors.get(String(code));
  if (compiled) {
    try {
      return decodeError(compiled, textOf(message), compiled.codec.decode(data) as object);
    } catch (error) {
      // of another version of the contract: passed on as it came
      if (!(error instanceof InvalidMessage)) throw error;
    }
  }
  const [module, name] = [textOf(fields.module), textOf(fields.contract)];
  if (code === 'fledge.module-fault') return new ModuleFault(module, name, textOf(fields.correlationId).slice(0, 64));
  return (
    kitError({ module, name }, code, outcome, fields) ??
    new RemoteError(textOf(code), KINDS.includes(kind) ? (kind as ErrorKind) : 'internal', textOf(message), {
      hint: textOf(hint),
      outcome: outcomeIn(outcome),
      data: fields,
    })
  );
}

/**
 * An error of a contract that this client does not know, with all fields that the module sent; `code` is its wire name.
 */
export class RemoteError extends FledgeError {
  readonly hint: string;
  readonly outcome: Outcome;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(
    readonly code: string,
    readonly kind: ErrorKind,
    message: string,
    { hint, outcome, data }: Pick<ErrorDetails, 'hint' | 'outcome' | 'data'>,
  ) {
    super(message);
    this.hint = hint;
    this.outcome = outcome;
    this.data = data;
  }
}

/** The error of a call whose answer cannot be read. */
export function faultOf(call: Call, correlationId: unknown): ModuleFault {
  return new ModuleFault(
    call.message.module,
    call.message.name,
    typeof correlationId === 'string' ? correlationId.slice(0, 64) : call.correlationId,
  );
}

function kitError(
  { module, name }: Pick<CompiledMessage, 'module' | 'name'>,
  code: unknown,
  outcome: unknown,
  data: Record<string, unknown>,
):
  | InvalidMessage
  | AccessDenied
  | ModuleUnavailable
  | DeadlineExceeded
  | CallerNotAllowed
  | PassportRefused
  | undefined {
  if (code === 'fledge.invalid-message') return new InvalidMessage(name, violationsOf(data.violations));
  if (code === 'fledge.access-denied' && DENIALS.includes(data.reason))
    return new AccessDenied(module, name, textOf(data.caller), data.reason as DenialReason);
  if (code === 'fledge.module-unavailable' && REASONS.includes(data.reason))
    return new ModuleUnavailable(
      module,
      name,
      data.reason as UnavailableReason,
      data.reason === 'database' ? outcomeIn(outcome) : 'not-run',
    );
  if (code === 'fledge.passport-refused' && isPassportFlaw(data.flaw))
    return new PassportRefused(module, name, data.flaw);
  if (code === 'fledge.caller-not-allowed') return new CallerNotAllowed(textOf(data.caller), name);
  if (code === 'fledge.deadline-exceeded')
    return new DeadlineExceeded(module, name, outcome === 'not-run' ? 'not-run' : 'unknown');
  return undefined;
}

function outcomeIn(value: unknown): Outcome {
  return OUTCOMES.includes(value) ? (value as Outcome) : 'unknown';
}

function declared(call: Call, compiled: CompiledError, message: string, fields: unknown): FailureReply {
  try {
    return {
      error: decodeError(compiled, message, compiled.codec.decode(fields) as object),
      outcome: 'declared-error',
    };
  } catch (error) {
    if (error instanceof InvalidMessage) return { error: faultOf(call, undefined), outcome: 'fault' };
    throw error;
  }
}

function violationsOf(list: unknown): Violation[] {
  if (!Array.isArray(list)) return [];
  return list
    .map(record)
    .map(({ path, rule, message }) => ({ path: textOf(path), rule: textOf(rule), message: textOf(message) }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    return record(JSON.parse(body));
  } catch {
    // A service that is not built with this kit may send anything: an unknown failure is a fault here.
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
