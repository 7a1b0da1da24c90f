import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { testNatsUrl } from '@fledge/kit/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { InboxPort, LogPosition, StoredMessage } from '@fledge/kit/transport';
import { readLog } from './log-reader.js';
import { writeToLog } from './log-writer.js';
import { LogStream } from './log-stream.js';

const MIB = 1024 * 1024;
const LARGE = 700_000;

/** Stores into a list, slowly. */
class SlowInbox implements InboxPort {
  readonly module = 'hall';
  readonly portions: (readonly StoredMessage[])[] = [];
  private at: LogPosition | undefined;

  wants(): boolean {
    return true;
  }

  subscriptions(): readonly string[] {
    return ['stage.said'];
  }

  async accept(messages: readonly StoredMessage[], position?: LogPosition): Promise<void> {
    await sleep(50);
    this.portions.push(messages);
    this.at = position;
  }

  async position(): Promise<LogPosition | undefined> {
    return this.at;
  }

  whileReading(): void {
    throw new Error('the test reads by itself');
  }
}

describe('the log reader', () => {
  let connection: NatsConnection;

  beforeAll(async () => {
    connection = await connect({ servers: testNatsUrl() });
  });
  afterAll(() => connection.close());

  it('stores large messages in batches that fit into one statement, all of them and in order', async () => {
    const log = new LogStream(connection, `portions-${Math.random().toString(36).slice(2, 10)}`);
    const sent = Array.from({ length: 40 }, (_, n): StoredMessage => ({
      id: randomUUID(),
      kind: 'event',
      name: 'stage.said.v1',
      source: 'stage',
      target: undefined,
      key: 'k',
      payload: `${n}:${'x'.repeat(LARGE)}`,
      headers: {},
      occurredAt: new Date().toISOString(),
    }));
    await log.incarnation();
    expect((await writeToLog(log, sent)).accepted.size).toBe(sent.length);
    const inbox = new SlowInbox();
    const stop = new AbortController();
    const reading = readLog(log, inbox, stop.signal);
    while (inbox.portions.flat().length < sent.length) await sleep(20);
    stop.abort();
    await reading;
    expect(inbox.portions.flat().map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    for (const portion of inbox.portions)
      expect(portion.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThan(4 * MIB + 2 * LARGE);
  });
});
