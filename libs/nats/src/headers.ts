import { IDEMPOTENCY_KEY_CHARS_MAX, type Identity, type TraceContext, traceOf } from '@fledge/kit/transport';

/**
 * What accompanies a message. As text, one `name: value` per line; values that may contain anything but plain ASCII are
 * percent-encoded, so that no value can end its line. All are optional: a bare `nats req` has none. The caller is not among
 * them: it is part of the subject, which the broker can check.
 *
 * - `Fledge-Id`: identifies the call, also when it is sent again; needed to cancel it
 * - `Fledge-Resent`: `1` when the same call was sent before, and may be running
 * - `Fledge-Left-Ms`: milliseconds left, never a time of day, because the clocks of machines differ
 * - `Fledge-Subject`, `Fledge-Roles`, `Fledge-Scopes`: who acts; roles and scopes separated by commas
 * - `Fledge-On-Behalf-Of`: the user whose request began the work, where no user acts in it
 * - `Fledge-Passport`: the signed proof of who acts; where keys are pinned, what these four say is not believed
 * - `Fledge-Idempotency-Key`: as given to `withCallOptions`
 * - `traceparent`, `tracestate`: W3C Trace Context
 * - `baggage`: W3C Baggage
 * - `Fledge-Context`: the values of the application's context, as JSON in ASCII
 * - `Fledge-Reply`: `nest` when the answer must be a packet of Nest's microservices
 */
export interface CallHeaders {
  id: string;
  isResent: boolean;
  leftMs: number | undefined;
  /** The calling module: no header, but what the subject says. */
  caller: string;
  identity: Identity | undefined;
  onBehalfOf: string | undefined;
  passport: string | undefined;
  /** The modules through which the work came, once that is proven. */
  chain?: readonly string[];
  idempotencyKey: string | undefined;
  /** The `traceparent`, with `tracestate` and `baggage` if there are any. */
  trace: string | TraceContext | undefined;
  context: string | undefined;
  /** Whether the caller is a stock client of Nest, which reads only the packets of Nest. */
  asksPacket: boolean;
}

/** The first line of all headers. */
export const HEADERS_START = 'NATS/1.0\r\n';

const ID_CHARS_MAX = 64;
const PLAIN = /^[\w.@:/+=-]*$/;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/**
 * The header lines that say who acts, unterminated; mostly empty. With a passport they are sent as well: a replica that
 * pins no keys yet reads them.
 */
export function actorLines(
  identity: Identity | undefined,
  onBehalfOf: string | undefined,
  passport: string | undefined,
): string {
  let lines = identity === undefined ? '' : identityLines(identity);
  if (onBehalfOf !== undefined) lines += `Fledge-On-Behalf-Of: ${encode(onBehalfOf)}\r\n`;
  if (passport !== undefined) lines += `Fledge-Passport: ${passport}\r\n`;
  return lines;
}

/** The header lines of a call's context, unterminated; mostly empty. */
export function contextLines(
  idempotencyKey: string | undefined,
  trace: string | TraceContext | undefined,
  context?: string,
): string {
  let lines = '';
  if (idempotencyKey !== undefined) lines += `Fledge-Idempotency-Key: ${encode(idempotencyKey)}\r\n`;
  if (trace !== undefined) lines += traceLines(trace);
  if (context !== undefined) lines += `Fledge-Context: ${context}\r\n`;
  return lines;
}

/** The header lines of a trace. What `traceOf` returns contains nothing that could end a line. */
function traceLines(trace: string | TraceContext): string {
  const sound = traceOf(typeof trace === 'string' ? { traceparent: trace } : trace);
  if (sound === undefined) return '';
  if (typeof sound === 'string') return `traceparent: ${sound}\r\n`;
  let lines = `traceparent: ${sound.traceparent}\r\n`;
  if (sound.tracestate !== undefined) lines += `tracestate: ${sound.tracestate}\r\n`;
  if (sound.baggage !== undefined) lines += `baggage: ${sound.baggage}\r\n`;
  return lines;
}

// Cached, as the identity of a request is sent with every call that the request makes.
const identities = new WeakMap<Identity, string>();

function identityLines(identity: Identity): string {
  let lines = identities.get(identity);
  if (lines === undefined) {
    const { subject, roles, scopes } = identity;
    lines = `Fledge-Subject: ${encode(subject)}\r\nFledge-Roles: ${roles.map(encode).join(',')}\r\n`;
    if (scopes !== undefined) lines += `Fledge-Scopes: ${scopes.map(encode).join(',')}\r\n`;
    identities.set(identity, lines);
  }
  return lines;
}

function encode(value: string): string {
  return PLAIN.test(value) ? value : encodeURIComponent(value.replace(LONE_SURROGATES, '\ufffd'));
}

/** The headers of a message that has none. */
export function noHeaders(): CallHeaders {
  return {
    id: '',
    isResent: false,
    leftMs: undefined,
    caller: '',
    identity: undefined,
    onBehalfOf: undefined,
    passport: undefined,
    idempotencyKey: undefined,
    trace: undefined,
    context: undefined,
    asksPacket: false,
  };
}

/** Reads headers; `undefined` when one of them is malformed. Unknown headers are skipped. */
export function readHeaders(text: string): CallHeaders | undefined {
  const headers = noHeaders();
  let traceparent: string | undefined;
  let tracestate: string | undefined;
  let baggage: string | undefined;
  let subject: string | undefined;
  let roles = '';
  let scopes: string | undefined;
  for (let start = text.indexOf('\r\n') + 2, end; (end = text.indexOf('\r\n', start)) > start; start = end + 2) {
    const colon = text.indexOf(':', start);
    if (colon < 0 || colon > end) return undefined;
    const value = text.charCodeAt(colon + 1) === 32 ? text.slice(colon + 2, end) : text.slice(colon + 1, end);
    // Compares lengths first: most lines are then skipped, or matched by one comparison.
    switch (colon - start) {
      case 7:
        if (is(text, start, colon, 'baggage')) baggage = value;
        break;
      case 9:
        if (is(text, start, colon, 'Fledge-Id')) headers.id = value;
        break;
      case 10:
        if (is(text, start, colon, 'tracestate')) tracestate = value;
        break;
      case 11:
        if (is(text, start, colon, 'traceparent')) traceparent = value;
        break;
      case 12:
        if (is(text, start, colon, 'Fledge-Roles')) roles = value;
        else if (is(text, start, colon, 'Fledge-Reply')) headers.asksPacket = value === 'nest';
        break;
      case 13:
        if (is(text, start, colon, 'Fledge-Scopes')) scopes = value;
        else if (is(text, start, colon, 'Fledge-Resent')) headers.isResent = value === '1';
        break;
      case 14:
        if (is(text, start, colon, 'Fledge-Left-Ms')) headers.leftMs = Number(value);
        else if (is(text, start, colon, 'Fledge-Subject')) subject = value;
        else if (is(text, start, colon, 'Fledge-Context')) headers.context = value;
        break;
      case 15:
        if (is(text, start, colon, 'Fledge-Passport')) headers.passport = value;
        break;
      case 19:
        if (is(text, start, colon, 'Fledge-On-Behalf-Of')) headers.onBehalfOf = value;
        break;
      case 22:
        if (is(text, start, colon, 'Fledge-Idempotency-Key')) headers.idempotencyKey = value;
        break;
      default:
    }
  }
  headers.trace = traceOf({ traceparent, tracestate, baggage });
  if (headers.id.length > ID_CHARS_MAX || (headers.leftMs !== undefined && !Number.isFinite(headers.leftMs)))
    return undefined;
  return subject === undefined && headers.idempotencyKey === undefined && headers.onBehalfOf === undefined
    ? headers
    : decodeValues(headers, subject, roles, scopes);
}

/** Whether the text from `start` to `end` is `name`, ignoring case. */
function is(text: string, start: number, end: number, name: string): boolean {
  return text.startsWith(name, start) || text.slice(start, end).toLowerCase() === name.toLowerCase();
}

function decodeValues(
  headers: CallHeaders,
  subject: string | undefined,
  roles: string,
  scopes: string | undefined,
): CallHeaders | undefined {
  try {
    if (subject !== undefined)
      headers.identity = {
        subject: decodeURIComponent(subject),
        roles: namesIn(roles),
        ...(scopes !== undefined && { scopes: namesIn(scopes) }),
      };
    if (headers.onBehalfOf !== undefined) headers.onBehalfOf = decodeURIComponent(headers.onBehalfOf);
    if (headers.idempotencyKey !== undefined) headers.idempotencyKey = decodeURIComponent(headers.idempotencyKey);
    return (headers.idempotencyKey?.length ?? 0) > IDEMPOTENCY_KEY_CHARS_MAX ? undefined : headers;
  } catch {
    // A malformed percent-encoding.
    return undefined;
  }
}

/** The names of a list in a header; the decoding of one may throw. */
function namesIn(list: string): string[] {
  return list === '' ? [] : list.split(',').map(decodeURIComponent);
}
