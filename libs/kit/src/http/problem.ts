import type { ErrorKind, Outcome, Violation } from '../contract/index.js';
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

/** Errors of HTTP for which there is a status that says more than that of their kind. */
const OWN_STATUS: Readonly<Record<string, number>> = {
  'fledge.idempotency-key-reused': 422,
  'fledge.precondition-failed': 412,
};

/** The one place where a kind of error becomes an HTTP status. */
export function statusOf(kind: ErrorKind): number {
  return STATUS[kind];
}

/** The kit's errors that are about what the client sent, and are told as they are. */
const OF_THE_REQUEST = new Set([
  'fledge.invalid-request',
  'fledge.forbidden',
  'fledge.unauthenticated',
  'fledge.request-in-flight',
  'fledge.idempotency-key-reused',
  'fledge.precondition-failed',
  'fledge.rate-limited',
]);

/**
 * Whether an error names modules, contracts or databases: a client learns its code and its status, and what it can do
 * about it.
 */
export function isOfTheInside({ code }: FledgeError): boolean {
  return code.startsWith('fledge.') && !OF_THE_REQUEST.has(code);
}

/** What a client is told of a fault, whatever it was. */
export const FAULT_DETAIL = 'Something went wrong; find it in the log by the correlation id.';

/** What clients are told of errors of the inside, by their kind. */
const DETAIL: Readonly<Partial<Record<ErrorKind, string>>> = {
  unavailable: 'This cannot be done at the moment.',
  timeout: 'This was not done within the time for a request.',
  internal: FAULT_DETAIL,
};

const HINT: Readonly<Record<Outcome, string | undefined>> = {
  'not-run': 'Nothing was done: try again after a moment.',
  unknown: 'It may have been done: look before you send it again.',
  rejected: undefined,
};

function insideProblem(error: FledgeError, correlationId: string): Problem {
  const status = statusOf(error.kind);
  const { violations, reason } = error.data as { violations?: readonly Violation[]; reason?: unknown };
  const detail = violations?.map(({ path, message }) => `${path}: ${message}`).join('; ') ?? DETAIL[error.kind];
  const hint = error.kind === 'unavailable' || error.kind === 'timeout' ? HINT[error.outcome] : undefined;
  return {
    ...httpProblem(status, error.code, detail ?? (TITLES[status] as string), correlationId),
    ...(hint !== undefined && { hint }),
    ...(violations && { violations }),
    data: { outcome: error.outcome, ...(typeof reason === 'string' && { reason }) },
  };
}

/** Converts an error of Fledge or of a contract to a problem. What Fledge's own say of the inside is left out. */
export function problemOf(error: FledgeError, correlationId: string): Problem {
  if (isOfTheInside(error)) return insideProblem(error, correlationId);
  const { violations, ...data } = error.data as { violations?: readonly Violation[] };
  return {
    type: `urn:problem:${error.code}`,
    title: titleOf(error.name),
    status: OWN_STATUS[error.code] ?? statusOf(error.kind),
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
  412: 'Precondition failed',
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
