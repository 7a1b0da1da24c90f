import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { Full, Rig } from '../test/rig.js';
import { eventually, testNatsUrl } from '@fledge/kit/testing';

describe('the NATS service protocol', () => {
  let rig: Rig;
  let client: NatsConnection;
  beforeEach(async () => {
    rig = new Rig(testNatsUrl());
    client = await connect({ servers: testNatsUrl() });
  });
  afterEach(async () => {
    await rig.close();
    await client.close();
  });

  /** The responses of this test's replicas, of which there must be `count`. */
  async function all(subject: string, count: number): Promise<Record<string, unknown>[]> {
    const answers: Record<string, unknown>[] = [];
    const inbox = createInbox();
    client.subscribe(inbox, {
      callback: (_error, message) => {
        const answer = message.data.length > 0 ? message.json<Record<string, unknown>>() : undefined;
        if ((answer?.metadata as Record<string, string> | undefined)?.namespace === rig.namespace)
          answers.push(answer as Record<string, unknown>);
      },
    });
    client.publish(subject, '', { reply: inbox });
    await client.flush();
    await eventually(() => answers.length === count, `${count} answers to ${subject}`);
    return answers;
  }

  it('lists each replica, for all, by name and by id', async () => {
    await rig.replica({}, { replica: 'one', version: '1.2.3' });
    await rig.replica({}, { replica: 'two' });
    const pings = await all('$SRV.PING', 2);
    expect(pings.map((p) => p.id).sort()).toEqual(['one', 'two']);
    expect(pings.find((p) => p.id === 'one')).toEqual({
      type: 'io.nats.micro.v1.ping_response',
      name: 'shelf',
      id: 'one',
      version: '1.2.3',
      metadata: { namespace: rig.namespace, kit: 'fledge' },
    });
    expect(await all('$SRV.PING.shelf', 2)).toHaveLength(2);
    expect(await all('$SRV.PING.shelf.two', 1)).toHaveLength(1);
    expect(await all('$SRV.PING.catalog', 0)).toHaveLength(0);
  });

  it('reports the messages and their statistics', async () => {
    await rig.replica({ put: () => Promise.reject(new Full({ most: 3, since: new Date(0) })) }, { replica: 'one' });
    const desk = await rig.caller();
    await Promise.allSettled([desk.count(), desk.count(), desk.put()]);
    const [info] = await all('$SRV.INFO.shelf.one', 1);
    expect(info).toMatchObject({ type: 'io.nats.micro.v1.info_response', description: expect.any(String) });
    expect(info?.endpoints).toContainEqual({
      name: 'put-v1',
      subject: `${rig.namespace}.shelf.put.v1`,
      queue_group: 'shelf',
      metadata: { kind: 'command', deadline_ms: '4000', idempotent: 'false', errors: 'shelf.full.v1' },
    });
    const [stats] = await all('$SRV.STATS.shelf.one', 1);
    expect(stats).toMatchObject({
      type: 'io.nats.micro.v1.stats_response',
      started: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const [count, put] = (stats?.endpoints as Record<string, number>[]).sort((a, b) =>
      String(a.name).localeCompare(String(b.name)),
    );
    expect(count).toMatchObject({ name: 'count-v1', num_requests: 2, num_errors: 0, last_error: '' });
    expect(count?.processing_time).toBeGreaterThan(0);
    expect(Number.isInteger(count?.processing_time)).toBe(true);
    // both are rounded to whole nanoseconds
    expect(
      Math.abs((count?.average_processing_time as number) - (count?.processing_time as number) / 2),
    ).toBeLessThanOrEqual(1);
    expect(put).toMatchObject({
      name: 'put-v1',
      num_requests: 1,
      num_errors: 1,
      last_error: '409: the shelf is full with 3',
    });
  });

  it('stops with the drain', async () => {
    const { transport } = await rig.replica();
    await transport.drain();
    expect(await all('$SRV.PING.shelf', 0)).toHaveLength(0);
  });
});
