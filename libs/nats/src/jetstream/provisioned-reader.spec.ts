import { randomUUID } from 'node:crypto';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import type { InboxPort, LogPosition, StoredMessage, SystemGraph } from '@fledge/kit/transport';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { provision } from '../operator/provision.js';
import { JetStreamMessageLog } from './jetstream.message-log.js';
import { writeToLog } from './log-writer.js';
import { LogStream } from './log-stream.js';
import { readProvisioned } from './provisioned-reader.js';

/** Keeps what it stores in a list. */
class ListInbox implements InboxPort {
  readonly module = 'hall';
  readonly stored: string[] = [];
  /** Called before each store. */
  before: () => Promise<void> = () => Promise.resolve();

  wants(): boolean {
    return true;
  }
  subscriptions(): readonly string[] {
    return ['stage.said'];
  }
  async accept(messages: readonly StoredMessage[]): Promise<void> {
    await this.before();
    this.stored.push(...messages.map(({ payload }) => payload));
  }
  position(): Promise<LogPosition | undefined> {
    return Promise.resolve(undefined);
  }
  whileReading(): void {}
}

describe('a broker that an operator has provisioned', () => {
  let connection: NatsConnection;
  let graph: SystemGraph;
  let log: LogStream;

  beforeEach(async () => {
    connection = await connect({ servers: testNatsUrl() });
    graph = {
      namespace: `provisioned-${Math.random().toString(36).slice(2, 10)}`,
      services: [
        { name: 'hall', modules: ['hall'] },
        { name: 'stage', modules: ['stage', 'secrets'] },
      ],
      uses: { hall: ['stage'], stage: [], secrets: [] },
      clients: {},
    };
    log = new LogStream(connection, graph.namespace, {}, true);
  });
  afterEach(() => connection.close());

  const message = (payload: string, of: Partial<StoredMessage> = {}): StoredMessage => ({
    id: randomUUID(),
    kind: 'event',
    name: 'stage.said.v1',
    source: 'stage',
    target: undefined,
    key: 'k',
    payload,
    headers: {},
    occurredAt: new Date().toISOString(),
    ...of,
  });
  const say = async (...payloads: string[]): Promise<void> =>
    void (await writeToLog(
      log,
      payloads.map((payload) => message(payload)),
    ));
  const read = (inbox: InboxPort): { stop(): Promise<void> } => {
    const controller = new AbortController();
    const reading = readProvisioned(log, inbox, controller.signal, () => undefined);
    return { stop: () => (controller.abort(), reading) };
  };

  it('has a stream that nobody can delete from, with the limits of the topology, and a consumer for each module', async () => {
    const lines = await provision(connection, graph, { maxBytes: 2 ** 24, maxMessageBytes: 2 ** 20 });
    expect(lines.map((line) => line.split(': ')[1])).toEqual(['made', 'made', 'made', 'made']);
    const manager = await jetstreamManager(connection);
    const { config } = await manager.streams.info(log.stream);
    expect(config).toMatchObject({ deny_delete: true, deny_purge: true, max_bytes: 2 ** 24, max_msg_size: 2 ** 20 });
    await say('1');
    await expect(manager.streams.purge(log.stream)).rejects.toThrow('purge');
    await expect(manager.streams.deleteMessage(log.stream, 1)).rejects.toThrow('delete');
    expect((await manager.consumers.info(log.stream, 'hall')).config.filter_subjects).toEqual([
      `${graph.namespace}._event.hall.*.*`,
      `${graph.namespace}._event.stage.*.*`,
      `${graph.namespace}._command.hall.*.*.*`,
    ]);
    const again = await provision(connection, graph, { maxBytes: 2 ** 24, maxMessageBytes: 2 ** 20 });
    expect(again.filter((line) => line.endsWith('made'))).toEqual([]);
  });

  it('refuses the start of a module that finds no stream, no consumer, or a stream that is not as the topology says', async () => {
    const starts = async (limits: object = {}): Promise<unknown> => {
      const messageLog = new JetStreamMessageLog(graph.namespace, limits, true);
      messageLog.open(connection);
      return messageLog.subscribe(new ListInbox()).then(
        () => messageLog.differences(),
        (error: { code?: string; message?: string }) => `${error.code} ${error.message}`,
      );
    };
    expect(await starts()).toContain('fledge.startup.nats-stream NATS has no stream');
    await provision(connection, { ...graph, services: graph.services.slice(1) }, {});
    expect(await starts()).toContain('fledge.startup.nats-consumer');
    await provision(connection, graph, {});
    expect(await starts()).toEqual([]);
    expect(await starts({ maxAgeMs: 3_600_000 })).toContain('max_age is');
    // a change while it runs is what /readyz reports
    const running = new LogStream(connection, graph.namespace, {}, true);
    await running.incarnation();
    await (await jetstreamManager(connection)).streams.update(log.stream, { max_msg_size: 100, max_age: 10 ** 13 });
    running.forget();
    await running.incarnation();
    expect(running.differences).toEqual([expect.stringContaining('max_age is 10000000000000')]);
  });

  // a provisioned stream named no deployment, and a service of any other one worked with it
  it('belongs to the deployment of its operator, and to another one only once the operator adopts it', async () => {
    const red = { ...graph, deployment: { id: 'red' } };
    await provision(connection, red, {});
    await provision(connection, graph, {});
    await log.claim({ id: 'red' });
    const refused = { code: 'fledge.startup.deployment' };
    await expect(log.claim({ id: 'blue', adopts: 'red' })).rejects.toMatchObject(refused);
    await expect(provision(connection, { ...graph, deployment: { id: 'blue' } }, {})).rejects.toMatchObject(refused);
    await provision(connection, { ...graph, deployment: { id: 'blue', adopts: 'red' } }, {});
    await log.claim({ id: 'blue' });
    await expect(log.claim({ id: 'red' })).rejects.toMatchObject(refused);
  });

  it('delivers to a module what it may read, in order, and again what it has not acknowledged', async () => {
    await provision(connection, graph, {});
    await say('1', '2', '3');
    await writeToLog(log, [message('hidden', { name: 'secrets.told.v1', source: 'secrets' })]);
    const crashing = new ListInbox();
    crashing.before = () => Promise.reject(new Error('the database is away'));
    await expect(readProvisioned(log, crashing, new AbortController().signal, () => undefined)).rejects.toThrow('away');
    const next = new ListInbox();
    const reading = read(next);
    await say('4', '5');
    await eventually(() => next.stored.length === 5, 'all messages', 30_000);
    await reading.stop();
    expect(next.stored).toEqual(['1', '2', '3', '4', '5']);
    // acknowledged: whoever reads next begins behind them
    const last = new ListInbox();
    const lastReading = read(last);
    await say('6');
    await eventually(() => last.stored.length > 0, 'the newest message', 30_000);
    await lastReading.stop();
    expect(last.stored).toEqual(['6']);
  }, 90_000);

  it('lets a module read the stream again when its consumer is made anew', async () => {
    await provision(connection, graph, {});
    await say('1', '2');
    const inbox = new ListInbox();
    const reading = read(inbox);
    await eventually(() => inbox.stored.length === 2, 'both messages', 30_000);
    await reading.stop();
    await provision(connection, graph, {}, ['hall']);
    const again = read(inbox);
    await eventually(() => inbox.stored.length === 4, 'both messages again', 30_000);
    await again.stop();
    expect(inbox.stored).toEqual(['1', '2', '1', '2']);
  }, 60_000);

  it('ignores what others send to where it delivers, and finds what the stream has lost at its end', async () => {
    await provision(connection, graph, {});
    const inbox = new ListInbox();
    const reading = read(inbox);
    await say('1');
    await eventually(() => inbox.stored.length === 1, 'the message', 30_000);
    connection.publish(`${graph.namespace}._deliver.hall`, 'forged');
    connection.publish(`${graph.namespace}._deliver.hall`, 'forged', { reply: '$JS.ACK.other.hall.1.2.2.3.0' });
    await say('2');
    await eventually(() => inbox.stored.length === 2, 'the next message', 30_000);
    await reading.stop();
    expect(inbox.stored).toEqual(['1', '2']);

    const place = (id: string, sequence: number) =>
      ({ id, sequence, kind: 'event', name: 'stage.said.v1', source: 'stage' }) as const;
    const kept = message('3');
    const { sequences } = await writeToLog(log, [kept]);
    const at = sequences?.get(kept.id) as number;
    const stored = [place('lost', at + 1), place(kept.id, at), place('before', at - 1)];
    expect(await log.missing(stored)).toEqual(['lost']);
    expect(await log.missing([place('replaced', at)])).toEqual(['replaced']);
  }, 60_000);
});
