import { headers as emptyHeaders, type MsgHdrs } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import { KEY_MAX, type MessageHeaders, type StoredMessage, traceOf } from '@fledge/kit/transport';

const SOURCE = 'Fledge-Source';
const KEY = 'Fledge-Key';
const OCCURRED_AT = 'Fledge-Occurred-At';
/** The headers of a message that the broker's messages have under the same names. */
const OF_TRACE = ['traceparent', 'tracestate', 'baggage'] as const;
const CONTEXT = 'Fledge-Context';
const USER = 'Fledge-On-Behalf-Of';
/** Percent-encoded; a subject has at most 256 characters. */
const USER_TEXT = /^[!-~]{1,2304}$/;
/** JetStream's header for detecting duplicates within its window. */
const ID = 'Nats-Msg-Id';

/**
 * The headers of a message, whose payload is only its JSON. A key may contain any character, unlike a header, so it is
 * encoded.
 */
export function natsHeadersOf(message: StoredMessage): MsgHdrs {
  const headers = emptyHeaders();
  headers.set(SOURCE, message.source);
  headers.set(KEY, encodeURIComponent(message.key));
  headers.set(OCCURRED_AT, message.occurredAt);
  const trace = soundTrace(message.headers);
  for (const name of OF_TRACE) if (trace[name] !== undefined) headers.set(name, trace[name]);
  if (message.headers.context !== undefined) headers.set(CONTEXT, message.headers.context);
  if (message.headers.onBehalfOf !== undefined) headers.set(USER, message.headers.onBehalfOf);
  return headers;
}

/** `Date` also parses many other formats, including some that the database does not. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const YEAR_10000_MS = 253_402_300_800_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id of a message in the log, if it has one that is a UUID. */
export function idOf({ headers }: Pick<JsMsg, 'headers'>): string | undefined {
  const id = headers?.get(ID) ?? '';
  return UUID.test(id) ? id : undefined;
}

/** The longest payload, in bytes: what the heaviest message can have as JSON. A broker may be set to take more. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;

/**
 * A message from the log; `undefined` for one of another origin, which lacks the required headers or cannot be stored.
 */
export function messageOf(raw: JsMsg): StoredMessage | undefined {
  if (raw.data.length > PAYLOAD_BYTES_MAX) return undefined;
  const [kindToken, module, ...rest] = raw.subject.split('.').slice(1);
  const { headers } = raw;
  const [id, source, key, time] = [ID, SOURCE, KEY, OCCURRED_AT].map((name) => headers?.get(name) ?? '');
  if (!UUID.test(id ?? '') || !source || !key || module === undefined) return undefined;
  const occurredAt = timeOf(time ?? '');
  const decoded = keyOf(key);
  const payload = raw.string();
  if (occurredAt === undefined || decoded === undefined || payload.includes('\0') || source.includes('\0'))
    return undefined;
  const kind = kindToken === '_command' ? 'command' : 'event';
  const context = headers?.get(CONTEXT);
  if (context?.includes('\0')) return undefined;
  const user = headers?.get(USER) ?? '';
  return {
    id: id as string,
    kind,
    name: [module, ...rest].join('.'),
    source,
    target: kind === 'command' ? module : undefined,
    key: decoded,
    payload,
    headers: {
      ...soundTrace(Object.fromEntries(OF_TRACE.map((name) => [name, headers?.get(name) || undefined]))),
      ...(context && { context }),
      ...(USER_TEXT.test(user) && { onBehalfOf: user }),
    },
    occurredAt,
  };
}

/** What anybody may have written is left out if it is malformed or too large. */
function soundTrace(given: MessageHeaders): MessageHeaders {
  const trace = traceOf(given);
  return trace === undefined ? {} : typeof trace === 'string' ? { traceparent: trace } : trace;
}

function timeOf(header: string): string | undefined {
  const ms = TIME.test(header) ? Date.parse(header) : Number.NaN;
  return ms >= 0 && ms < YEAR_10000_MS ? new Date(ms).toISOString() : undefined;
}

function keyOf(header: string): string | undefined {
  try {
    const key = decodeURIComponent(header);
    return key.includes('\0') || key.length > KEY_MAX ? undefined : key;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
