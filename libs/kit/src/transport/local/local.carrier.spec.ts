import { randomUUID } from 'node:crypto';
import type { Intake, StoredMessage } from '../carrier.js';
import { LocalCarrier } from './local.carrier.js';

describe('the local carrier', () => {
  const message = (kind: StoredMessage['kind'], target: string | undefined, key: string): StoredMessage => ({ id: randomUUID(), kind, name: 'a.b.v1', source: 'a', target, key, payload: '{}', headers: {}, occurredAt: new Date().toISOString() });

  // one command to a module without tables stopped all that its sender had to say
  it('carries all but what no module here takes, and what comes after that of the same key', async () => {
    const carrier = new LocalCarrier();
    const taken: string[] = [];
    const hall: Intake = {
      module: 'hall', wants: () => true, subscriptions: () => [], position: () => Promise.resolve(undefined), whileReading: () => undefined,
      accept: (messages) => Promise.resolve(void taken.push(...messages.map(({ id }) => id))),
    };
    await carrier.subscribe(hall);
    const [before, lost, after, other] = [message('event', undefined, 'k'), message('command', 'nowhere', 'k'), message('event', undefined, 'k'), message('command', 'hall', 'other')] as const;
    const { accepted, failure } = await carrier.send('a', [before, lost, after, other]);
    expect([...accepted]).toEqual([before.id, other.id]);
    expect(taken).toEqual([before.id, other.id]);
    expect(failure).toMatchObject({ message: 'a.b.v1 is for nowhere, which does not take messages in this process' });
  });
});
