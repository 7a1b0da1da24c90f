import { randomUUID } from 'node:crypto';
import { headers as emptyHeaders } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import { readMessage } from './stored-messages.js';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A message on the stream, as whoever may publish on its subject wrote it. */
function raw(subject: string, lines: Readonly<Record<string, string>> = {}, payload = '{}'): JsMsg {
  const headers = emptyHeaders();
  const all = {
    'Nats-Msg-Id': randomUUID(),
    'Fledge-Source': 'ordering',
    'Fledge-Key': 'k',
    'Fledge-Occurred-At': '2026-01-01T00:00:00Z',
    ...lines,
  };
  for (const [name, value] of Object.entries(all)) if (value !== '') headers.set(name, value);
  return { subject, headers, data: Buffer.from(payload), string: () => payload } as Partial<JsMsg> as JsMsg;
}

describe('a message of the stream', () => {
  it('is from the module that its subject proves', () => {
    expect(readMessage(raw('shop._event.ordering.order-placed.v1'))).toMatchObject({
      kind: 'event',
      name: 'ordering.order-placed.v1',
      source: 'ordering',
      target: undefined,
    });
    expect(readMessage(raw('shop._command.inventory.release-stock.v1.ordering'), true)).toMatchObject({
      kind: 'command',
      name: 'inventory.release-stock.v1',
      source: 'ordering',
      target: 'inventory',
    });
  });

  it('is refused if its headers say that another module sent it', () => {
    for (const subject of ['shop._event.payments.captured.v1', 'shop._command.inventory.release-stock.v1.payments'])
      expect(readMessage(raw(subject))).toEqual({
        why: 'it says that ordering sent it, and its subject that payments did',
      });
  });

  it('may be a command of an older version, without its source in the subject, unless that is required', () => {
    const command = raw('shop._command.inventory.release-stock.v1');
    expect(readMessage(command)).toMatchObject({ name: 'inventory.release-stock.v1', source: 'ordering' });
    expect(readMessage(command, true)).toEqual({ why: 'its subject names no source' });
  });

  it('keeps a trace that is one, and no other', () => {
    const traceOf = (traceparent: string): unknown =>
      (readMessage(raw('shop._event.ordering.order-placed.v1', { traceparent })) as { headers: object }).headers;
    expect(traceOf(TRACE)).toEqual({ traceparent: TRACE });
    for (const none of [
      'x',
      `${TRACE}0`,
      TRACE.toUpperCase(),
      TRACE.slice(1),
      `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
    ])
      expect(traceOf(none)).toEqual({});
  });

  // A broker that takes larger payloads than the default filled the inbox with them.
  it('is refused if it is heavier than any message can be', () => {
    const longest = JSON.stringify('x'.repeat(1024 * 1024 - 2));
    const subject = 'shop._event.ordering.order-placed.v1';
    expect(readMessage(raw(subject, {}, longest))).toMatchObject({ payload: longest });
    expect(readMessage(raw(subject, {}, `${longest} `))).toEqual({ why: 'it is larger than any message of Fledge' });
  });

  it.each([
    ['no id', { 'Nats-Msg-Id': '' }, '{}'],
    ['an id that is no UUID', { 'Nats-Msg-Id': '7' }, '{}'],
    ['no source', { 'Fledge-Source': '' }, '{}'],
    ['no key', { 'Fledge-Key': '' }, '{}'],
    ['a key that is none', { 'Fledge-Key': '100%' }, '{}'],
    ['no time', { 'Fledge-Occurred-At': 'yesterday' }, '{}'],
    ['the header of a copy that the broker made', { 'Nats-Stream': 'shop-messages' }, '{}'],
    ['a payload that cannot be stored', {}, '"\0"'],
    ['a context that cannot be stored', { 'Fledge-Context': 'a\0' }, '{}'],
  ])('is refused with %s', (_, lines, payload) => {
    expect(readMessage(raw('shop._event.ordering.order-placed.v1', lines, payload))).toEqual({
      why: expect.any(String) as string,
    });
  });
});
