import type { ErrorKind, Violation } from '../contract/index.js';
import { FledgeError } from '../contract/index.js';

/** An RFC 9457 problem, with Fledge's additions: the code, the violations, a next action, and the correlation id. */
export interface Problem {
  /** `urn:problem:<code>`; stable. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string;
  readonly violations?: readonly Violation[];
  /** The fields of a declared error. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly correlationId: string;
}

/** The content type of problems. */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-many': 429,
  unavailable: 503,
  timeout: 504,
  internal: 500,
};

/** The one place where a kind of error becomes an HTTP status. */
export function statusOf(kind: ErrorKind): number {
  return STATUS[kind];
}

/** Converts an error of Fledge or of a contract to a problem. */
export function problemOf(error: FledgeError, correlationId: string): Problem {
  const { violations, ...data } = error.data as { violations?: readonly Violation[] };
  return {
    type: `urn:problem:${error.code}`,
    title: titleOf(error.name),
    status: statusOf(error.kind),
    detail: error.message,
    code: error.code,
    ...(error.hint && { hint: error.hint }),
    ...(violations && { violations }),
    ...(Object.keys(data).length > 0 && { data }),
    correlationId,
  };
}

/** A problem that only HTTP knows: an unknown path, a malformed body. `code` is the last part of its type. */
export function httpProblem(status: number, code: string, detail: string, correlationId: string): Problem {
  return { type: `urn:problem:${code}`, title: TITLES[status] ?? 'Error', status, detail, code, correlationId };
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  409: 'Conflict',
  413: 'Body too large',
  414: 'Path too long',
  415: 'Unsupported media type',
  417: 'Expectation failed',
  422: 'Unprocessable',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  501: 'Not implemented',
  502: 'Bad gateway',
  503: 'Unavailable',
  504: 'Timeout',
};

/** Converts `OutOfStock` to `Out of stock`. */
function titleOf(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
