import { headers } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import { messageOf } from './stored-messages.js';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

function raw(payload: string, traceparent: string): JsMsg {
  const of = headers();
  of.set('Nats-Msg-Id', '6f9619ff-8b86-4d01-b42d-00c04fc964ff');
  of.set('Fledge-Source', 'ordering');
  of.set('Fledge-Key', 'o-1');
  of.set('Fledge-Occurred-At', '2026-01-01T00:00:00Z');
  of.set('traceparent', traceparent);
  const data = Buffer.from(payload);
  return {
    subject: 'fledge._event.ordering.order-placed.v1',
    headers: of,
    data,
    string: () => data.toString(),
  } as unknown as JsMsg;
}

describe('a message of the log', () => {
  it('keeps a trace that is one, and no other', () => {
    expect(messageOf(raw('{}', TRACE))?.headers).toEqual({ traceparent: TRACE });
    for (const none of [
      'x',
      `${TRACE}0`,
      TRACE.toUpperCase(),
      TRACE.slice(1),
      `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    ])
      expect(messageOf(raw('{}', none))?.headers).toEqual({});
  });

  // A broker that takes larger payloads than the default filled the inbox with them.
  it('is of another origin if it is heavier than any message can be', () => {
    const longest = JSON.stringify('x'.repeat(1024 * 1024 - 2));
    expect(messageOf(raw(longest, TRACE))?.payload).toBe(longest);
    expect(messageOf(raw(`${longest} `, TRACE))).toBeUndefined();
  });
});
