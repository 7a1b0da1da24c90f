import { type Call, type CallOutcome, type EncodedError, type CompiledError, type CompiledMessage, outcomeOf, decodeError } from '../../boundary/index.js';
import { DeadlineExceeded, type ErrorDetails, type ErrorKind, InvalidMessage, ModuleFault, ModuleUnavailable, type Outcome, type UnavailableReason, type Violation } from '../../contract/index.js';
import { HEADERS_START } from './headers.js';

/** An error on its way back, as any NATS client can read it: headers of the NATS service protocol, and this as JSON body. */
export interface FailureBody {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string;
  readonly outcome: Outcome;
  /** A declared error's fields; of a kit error, what its class says of itself. */
  readonly data: unknown;
}

/** A failure as its two parts on the wire. */
export interface FailureText {
  readonly headers: string;
  readonly body: string;
  /** The number of the NATS service protocol. */
  readonly serviceCode: number;
}

// The NATS service protocol wants a number, and its clients are used to those of HTTP.
const SERVICE_CODES: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-many': 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
};

const SERVICE_ERROR_CHARS_MAX = 200;
const NOT_PLAIN = /[^\x20-\x7e]+/g;

/** The answer that carries an error of the kit. */
export function kitFailure(error: Error & ErrorDetails): FailureText {
  const { code, kind, message, hint, outcome, data } = error;
  return failureText({ code, kind, message, hint, outcome, data });
}

/** The answer that carries a declared error. */
export function declaredFailure(compiled: CompiledError, carried: EncodedError): FailureText {
  const { name: code, kind, hint } = compiled;
  return failureText({ code, kind, message: carried.message, hint, outcome: 'rejected', data: carried.fields });
}

function failureText(body: FailureBody): FailureText {
  const text = body.message.slice(0, SERVICE_ERROR_CHARS_MAX).replace(NOT_PLAIN, ' ');
  const serviceCode = SERVICE_CODES[body.kind];
  return {
    headers: `${HEADERS_START}Fledge-Error: ${body.code}\r\nNats-Service-Error: ${text}\r\nNats-Service-Error-Code: ${serviceCode}\r\n\r\n`,
    body: JSON.stringify(body),
    serviceCode,
  };
}

/** Whether an answer with these headers is a failure. */
export function isFailure(headers: string): boolean {
  return headers.includes('\r\nNats-Service-Error');
}

/** An error that came back, made anew for the caller, and how metrics count it. */
export interface FailureReply {
  readonly error: Error;
  readonly outcome: CallOutcome;
  /** Set when the callee took nothing of it. */
  readonly unavailable?: UnavailableReason;
}

const REASONS: readonly unknown[] = ['missing', 'overloaded', 'draining', 'disconnected', 'database'] satisfies UnavailableReason[];
const OUTCOMES: readonly unknown[] = ['rejected', 'not-run', 'unknown'] satisfies Outcome[];

/** Reads a failure. What makes no sense, and what no contract declares, is a `ModuleFault`. */
export function readFailure(call: Call, body: string): FailureReply {
  const { message } = call;
  const failure = parse(body);
  const data = record(failure?.data);
  const compiled = message.errorsByName.get(String(failure?.code));
  if (compiled) return declared(call, compiled, String(failure?.message), failure?.data);
  const error = kitError(message, failure?.code, failure?.outcome, data) ?? faultOf(call, data.correlationId);
  return { error, outcome: outcomeOf(error), ...(error instanceof ModuleUnavailable && { unavailable: error.reason }) };
}

/** The error of a call whose answer cannot be understood. */
export function faultOf(call: Call, correlationId: unknown): ModuleFault {
  return new ModuleFault(call.message.module, call.message.name, typeof correlationId === 'string' ? correlationId.slice(0, 64) : call.correlationId);
}

function kitError({ module, name }: CompiledMessage, code: unknown, outcome: unknown, data: Record<string, unknown>): InvalidMessage | ModuleUnavailable | DeadlineExceeded | undefined {
  if (code === 'fledge.invalid-message') return new InvalidMessage(name, violationsOf(data.violations));
  if (code === 'fledge.module-unavailable' && REASONS.includes(data.reason)) return new ModuleUnavailable(module, name, data.reason as UnavailableReason, data.reason === 'database' ? outcomeIn(outcome) : 'not-run');
  if (code === 'fledge.deadline-exceeded') return new DeadlineExceeded(module, name, outcome === 'not-run' ? 'not-run' : 'unknown');
  return undefined;
}

function outcomeIn(value: unknown): Outcome {
  return OUTCOMES.includes(value) ? (value as Outcome) : 'unknown';
}

function declared(call: Call, compiled: CompiledError, message: string, fields: unknown): FailureReply {
  try {
    return { error: decodeError(compiled, message, compiled.codec.decode(fields) as object), outcome: 'declared-error' };
  } catch (error) {
    if (error instanceof InvalidMessage) return { error: faultOf(call, undefined), outcome: 'fault' };
    throw error;
  }
}

function violationsOf(list: unknown): Violation[] {
  if (!Array.isArray(list)) return [];
  return list.map(record).map(({ path, rule, message }) => ({ path: textOf(path), rule: textOf(rule), message: textOf(message) }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    return record(JSON.parse(body));
  } catch {
    // A service of another make answers as it likes: its failure is a fault here.
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
