import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nanos, type NatsConnection } from '@nats-io/transport-node';
import { LogStream } from './log-stream.js';

const HOUR_MS = 3_600_000;

describe('the stream of messages', () => {
  let connection: NatsConnection;

  beforeAll(async () => {
    connection = await connect({ servers: testNatsUrl() });
  });
  afterAll(() => connection.close());

  it('is created once, with its limits, and takes new limits from whoever opens it later', async () => {
    const namespace = `limits-${Math.random().toString(36).slice(2, 10)}`;
    const { streams } = await jetstreamManager(connection);
    const config = async (): Promise<object> => (await streams.info(`${namespace}-messages`)).config;
    const made = await new LogStream(connection, namespace).incarnation();
    expect(await config()).toMatchObject({ max_age: nanos(72 * HOUR_MS), duplicate_window: nanos(120_000) });
    expect(
      await new LogStream(connection, namespace, { maxAgeMs: HOUR_MS, duplicateWindowMs: 500 }).incarnation(),
    ).toBe(made);
    expect(await config()).toMatchObject({
      max_age: nanos(HOUR_MS),
      duplicate_window: nanos(500),
      subjects: [`${namespace}._event.>`, `${namespace}._command.>`],
    });
  });

  it('is recognized as another one when somebody deletes it and another process creates it again', async () => {
    const namespace = `limits-${Math.random().toString(36).slice(2, 10)}`;
    const log = new LogStream(connection, namespace);
    const made = await log.incarnation();
    const { streams } = await jetstreamManager(connection);
    await streams.delete(`${namespace}-messages`);
    const anew = await new LogStream(connection, namespace).incarnation();
    expect(anew).not.toBe(made);
    await eventually(async () => expect(await log.incarnation()).toBe(anew), 'it is noticed', 10_000);
  });

  it('keeps the configured number of copies, and says what is missing for them', async () => {
    const namespace = `limits-${Math.random().toString(36).slice(2, 10)}`;
    const tooMany = expect.objectContaining({
      code: 'fledge.startup.nats-replicas',
      hint: "Start a cluster of 3 servers or more with JetStream, or lower 'nats.replicas'.",
    }) as object;
    await expect(new LogStream(connection, namespace, { replicas: 3 }).incarnation()).rejects.toEqual(tooMany);
    const made = await new LogStream(connection, namespace, { replicas: 1 }).incarnation();
    expect((await (await jetstreamManager(connection)).streams.info(`${namespace}-messages`)).config.num_replicas).toBe(
      1,
    );
    await expect(new LogStream(connection, namespace, { replicas: 3 }).incarnation()).rejects.toEqual(tooMany);
    // an unset option leaves them as they are
    expect(await new LogStream(connection, namespace).incarnation()).toBe(made);
  });

  it('never has a duplicate window longer than its maximum age', async () => {
    const namespace = `limits-${Math.random().toString(36).slice(2, 10)}`;
    await new LogStream(connection, namespace, { maxAgeMs: 60_000 }).incarnation();
    expect(
      (await (await jetstreamManager(connection)).streams.info(`${namespace}-messages`)).config.duplicate_window,
    ).toBe(nanos(60_000));
  });
});
