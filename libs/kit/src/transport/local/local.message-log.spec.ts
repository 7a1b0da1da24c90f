import { randomUUID } from 'node:crypto';
import type { InboxPort, StoredMessage } from '../message-log.js';
import { LocalMessageLog } from './local.message-log.js';

describe('the local message log', () => {
  const message = (kind: StoredMessage['kind'], target: string | undefined, key: string): StoredMessage => ({
    id: randomUUID(),
    kind,
    name: 'a.b.v1',
    source: 'a',
    target,
    key,
    payload: '{}',
    headers: {},
    occurredAt: new Date().toISOString(),
  });

  // one command to a module without tables blocked everything else from its sender
  it('sends everything except what no module here takes, and later messages of the same key', async () => {
    const messageLog = new LocalMessageLog();
    const taken: string[] = [];
    const hall: InboxPort = {
      module: 'hall',
      wants: () => true,
      subscriptions: () => [],
      position: () => Promise.resolve(undefined),
      whileReading: () => undefined,
      accept: (messages) => Promise.resolve(void taken.push(...messages.map(({ id }) => id))),
    };
    await messageLog.subscribe(hall);
    const [before, lost, after, other] = [
      message('event', undefined, 'k'),
      message('command', 'nowhere', 'k'),
      message('event', undefined, 'k'),
      message('command', 'hall', 'other'),
    ] as const;
    const { accepted, failure } = await messageLog.send('a', [before, lost, after, other]);
    expect([...accepted]).toEqual([before.id, other.id]);
    expect(taken).toEqual([before.id, other.id]);
    expect(failure).toMatchObject({ message: 'a.b.v1 is for nowhere, which does not take messages in this process' });
  });
});
