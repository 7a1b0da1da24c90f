import { randomUUID } from 'node:crypto';
import { headers as emptyHeaders } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import { readMessage } from './stored-messages.js';

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
  return { subject, headers, string: () => payload } as Partial<JsMsg> as JsMsg;
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
