import type { ErrorDetails, ErrorKind } from '@fledge/kit/contract';
import {
  type CompiledError,
  declaredFailure,
  type EncodedError,
  type Failure,
  kitFailure,
} from '@fledge/kit/transport';
import { HEADERS_START } from './headers.js';
import { errorPacket } from './nest-packet.js';

/**
 * A failure as its two parts on the wire: headers of the NATS service protocol, and the failure as JSON, readable by
 * any NATS client.
 */
export interface FailureText {
  readonly headers: string;
  readonly body: string;
  /** The error number for the NATS service protocol. */
  readonly serviceCode: number;
}

// The NATS service protocol requires a number, and its clients expect HTTP statuses.
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

/** The answer for an error of the kit. */
export function kitFailureText(error: Error & ErrorDetails): FailureText {
  return failureText(kitFailure(error));
}

/** The answer for a declared error. */
export function declaredFailureText(compiled: CompiledError, encoded: EncodedError): FailureText {
  return failureText(declaredFailure(compiled, encoded));
}

function failureText(failure: Failure): FailureText {
  const text = failure.message.slice(0, SERVICE_ERROR_CHARS_MAX).replace(NOT_PLAIN, ' ');
  const serviceCode = SERVICE_CODES[failure.kind];
  return {
    headers: `${HEADERS_START}Fledge-Error: ${failure.code}\r\nNats-Service-Error: ${text}\r\nNats-Service-Error-Code: ${serviceCode}\r\n\r\n`,
    body: JSON.stringify(failure),
    serviceCode,
  };
}

/** Whether an answer with these headers is a failure. */
export function isFailure(headers: string): boolean {
  return headers.includes('\r\nNats-Service-Error');
}

/** The same failure for a stock client of Nest. */
export function packetOf(failure: FailureText): FailureText {
  return { ...failure, body: errorPacket(failure.body) };
}
