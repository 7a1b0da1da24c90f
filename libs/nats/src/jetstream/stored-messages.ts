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
/** JetStream's header of the answer to a direct get. */
const COPY = 'Nats-Stream';
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

/** A message of the stream, however it was read. */
export type LogMessage = Pick<JsMsg, 'subject' | 'headers' | 'seq' | 'data' | 'string'>;

/** What is on the stream and cannot be from a module of Fledge, or not from the one that its subject names. */
export interface Flaw {
  readonly why: string;
}

export function isFlaw(read: StoredMessage | Flaw): read is Flaw {
  return 'why' in read;
}

/**
 * A message from the log, whose sender is proven by its subject, on which only that module may publish:
 * `<namespace>._event.<source>.<name>.v1` or `<namespace>._command.<target>.<name>.v1.<source>`.
 * @param namesSource whether a command without its source in the subject, as older versions send it, is refused.
 */
export function readMessage(raw: Omit<LogMessage, 'seq'>, namesSource = false): StoredMessage | Flaw {
  if (raw.data.length > PAYLOAD_BYTES_MAX) return { why: 'it is larger than any message of Fledge' };
  const [kindToken, module, name, version, proven] = raw.subject.split('.').slice(1);
  const { headers } = raw;
  const [id, source, key, time] = [ID, SOURCE, KEY, OCCURRED_AT].map((header) => headers?.get(header) ?? '');
  if (!UUID.test(id ?? '') || !source || !key || module === undefined) return NOT_OURS;
  // the broker adds it to a copy of a message that it was asked for, and sends that to whatever subject the request names
  if (headers?.has(COPY)) return { why: 'it is a copy that the broker made, not what its sender published' };
  const kind = kindToken === '_command' ? 'command' : 'event';
  if (kind === 'command' && proven === undefined && namesSource) return { why: 'its subject names no source' };
  const sender = kind === 'event' ? module : (proven ?? source);
  if (source !== sender)
    return { why: `it says that ${source.slice(0, 64)} sent it, and its subject that ${sender} did` };
  const occurredAt = timeOf(time ?? '');
  const decoded = keyOf(key);
  const payload = raw.string();
  if (occurredAt === undefined || decoded === undefined || payload.includes('\0') || source.includes('\0'))
    return { why: 'its time, key or payload cannot be stored' };
  const context = headers?.get(CONTEXT);
  const user = headers?.get(USER) ?? '';
  if (context?.includes('\0')) return { why: 'its context cannot be stored' };
  return {
    id: id as string,
    kind,
    name: `${module}.${name}.${version}`,
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

const NOT_OURS: Flaw = {
  why: 'it is not from Fledge: it needs a Nats-Msg-Id that is a UUID, Fledge-Source, Fledge-Key and Fledge-Occurred-At',
};

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
