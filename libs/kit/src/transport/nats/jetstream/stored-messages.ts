import { headers as emptyHeaders, type MsgHdrs } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import type { StoredMessage } from '../../carrier.js';

const SOURCE = 'Fledge-Source';
const KEY = 'Fledge-Key';
const OCCURRED_AT = 'Fledge-Occurred-At';
const TRACE = 'traceparent';
/** JetStream's own: it knows a message again by it, within its window. */
const ID = 'Nats-Msg-Id';

/** What stands beside the payload, which is the message's JSON alone. A key may have any character; a header may not. */
export function headersOf(message: StoredMessage): MsgHdrs {
  const headers = emptyHeaders();
  headers.set(SOURCE, message.source);
  headers.set(KEY, encodeURIComponent(message.key));
  headers.set(OCCURRED_AT, message.occurredAt);
  if (message.headers.traceparent !== undefined) headers.set(TRACE, message.headers.traceparent);
  return headers;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A message of the log; `undefined` for one that somebody else wrote, without what makes it one of ours, or with what can not be stored. */
export function messageOf(raw: JsMsg): StoredMessage | undefined {
  const [kindToken, module, ...rest] = raw.subject.split('.').slice(1);
  const { headers } = raw;
  const [id, source, key, occurredAt] = [ID, SOURCE, KEY, OCCURRED_AT].map((name) => headers?.get(name) ?? '');
  if (!UUID.test(id ?? '') || !source || !key || Number.isNaN(Date.parse(occurredAt ?? '')) || module === undefined) return undefined;
  const decoded = keyOf(key);
  const payload = raw.string();
  if (decoded === undefined || payload.includes('\0')) return undefined;
  const kind = kindToken === '_command' ? 'command' : 'event';
  const traceparent = headers?.get(TRACE);
  return {
    id: id as string,
    kind,
    name: [module, ...rest].join('.'),
    source,
    target: kind === 'command' ? module : undefined,
    key: decoded,
    payload,
    headers: traceparent ? { traceparent } : {},
    occurredAt: occurredAt as string,
  };
}

function keyOf(header: string): string | undefined {
  try {
    const key = decodeURIComponent(header);
    return key.includes('\0') ? undefined : key;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
