import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type Caller, failureOf, Rig, WAYS } from '../test/rig.js';
import { withCallOptions } from '@fledge/kit';
import { CallGuard } from '@fledge/kit/compliance';
import { CALL_LIMITS_DEFAULT, DeadlineExceeded } from '@fledge/kit/contract';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { now } from '@fledge/kit/transport';

describe.each(WAYS)('NatsTransport with several replicas, $name', (way) => {
  let rig: Rig;
  let hole: NatsConnection;
  beforeEach(async () => {
    rig = new Rig(testNatsUrl(), way);
    hole = await connect({ servers: testNatsUrl() });
  });
  afterEach(async () => {
    await rig.close();
    await hole.close();
  });

  /** Simulates a killed replica: it took calls, and answers nothing. */
  async function silentReplica(): Promise<{ took: string[] }> {
    const took: string[] = [];
    hole.subscribe(`${rig.namespace}.shelf.>`, {
      queue: 'shelf',
      callback: (_error, message) =>
        void took.push(`${message.subject.split('.')[2]} ${message.headers?.get('Fledge-Id')}`),
    });
    await hole.flush();
    return { took };
  }

  it('resends a query when a replica falls silent, under the same id', async () => {
    const silent = await silentReplica();
    await rig.replica();
    const desk = await rig.caller();
    // More than enough that one of them reaches the silent replica; a call may reach it three times, and then ends at
    // its deadline.
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => desk.count()));
    const answered = results.filter((r) => r.status === 'fulfilled').length;
    const ids = new Map<string, number>();
    for (const call of silent.took) ids.set(call, (ids.get(call) ?? 0) + 1);
    const unlucky = [...ids.values()].filter((times) => times === 3).length;
    expect(silent.took.length).toBeGreaterThan(0);
    expect(answered).toBe(60 - unlucky);
    expect(answered).toBeGreaterThan(30);
    expect(Math.max(...ids.values())).toBeLessThanOrEqual(3);
  });

  it('resends a command only when it has an idempotency key', async () => {
    const silent = await silentReplica();
    const desk = await rig.caller();
    const plain = await failureOf(desk.put());
    expect(plain).toBeInstanceOf(DeadlineExceeded);
    expect(plain).toMatchObject({ outcome: 'unknown' });
    expect(silent.took).toHaveLength(1);
    await failureOf(withCallOptions({ idempotencyKey: 'once' }, () => desk.put()));
    // Once, and resent twice, but no more.
    expect(silent.took).toHaveLength(4);
    expect(new Set(silent.took.slice(1)).size).toBe(1);
  });

  it('resends only as much as the retry budget has', async () => {
    const silent = await silentReplica();
    const limits = { ...CALL_LIMITS_DEFAULT, retryBudget: { percent: 50, floor: 0 } };
    const guard = new CallGuard('desk', 'shelf', limits);
    // what is saved up at the start
    while (guard.mayRetry(now()));
    const desk = await rig.caller({}, guard);
    await Promise.all(Array.from({ length: 8 }, () => failureOf(desk.count())));
    expect(silent.took).toHaveLength(8 + 4);
  });

  it('does not resend what a replica works on, however long it takes', async () => {
    let runs = 0;
    const slow = async (): Promise<number> => (runs++, await sleep(2_500), 7);
    await rig.replica({ count: slow });
    await rig.replica({ count: slow });
    const desk = await rig.caller();
    expect(await Promise.all([desk.count(), desk.count(), desk.count()])).toEqual([7, 7, 7]);
    expect(runs).toBe(3);
  });

  it('does not run a call twice in one replica', async () => {
    let runs = 0;
    await rig.replica({ count: async () => (runs++, await sleep(300), 7) });
    const lines = 'NATS/1.0\r\nFledge-Id: same.1\r\nFledge-Resent: 1\r\n\r\n';
    const raw = await connect({ servers: rig.url });
    const answers: string[] = [];
    raw.subscribe('_INBOX.answers.same', {
      callback: (_error, message) => void (message.string() && answers.push(message.string())),
    });
    for (let i = 0; i < 3; i++)
      raw.publish(`${rig.namespace}.shelf.count.v1`, '{"of":""}', {
        reply: '_INBOX.answers.same',
        headers: { encode: () => new TextEncoder().encode(lines) } as never,
      });
    await eventually(() => answers.length > 0, 'the answer');
    expect(runs).toBe(1);
    expect(answers).toEqual(['7']);
    await raw.close();
  });

  it('moves calls that a draining replica refuses to another one', async () => {
    const draining = await rig.replica();
    // Still subscribed, as in the moment before the server knows of the drain.
    await draining.moduleServer.drain();
    await rig.replica({ put: () => 2 });
    const desk = await rig.caller();
    // So many that one of them is given to the draining replica a dozen times in a row.
    for (let wave = 0; wave < 20; wave++) {
      const results = await Promise.all(Array.from({ length: 250 }, () => desk.put()));
      expect(results.every((n) => n === 2)).toBe(true);
    }
  });

  it('fails with draining when there is no other replica', async () => {
    const { moduleServer } = await rig.replica();
    await moduleServer.drain();
    const error = await failureOf((await rig.caller()).put());
    expect(error).toMatchObject({ code: 'fledge.module-unavailable', reason: 'draining', outcome: 'not-run' });
  });

  it('loses no call when its replicas are drained and restarted in turn under load', async () => {
    const handlers = { put: async () => (await sleep(Math.random() * 20), 1) };
    let replicas = [await rig.replica(handlers), await rig.replica(handlers)];
    const desk = await rig.caller();
    const load = steadyLoad(desk);
    for (let turn = 0; turn < 4; turn++) {
      const [old, other] = replicas as [(typeof replicas)[0], (typeof replicas)[0]];
      await old.transport.drain();
      expect(old.moduleServer.inFlight).toBe(0);
      await old.transport.close();
      replicas = [other, await rig.replica(handlers)];
      const sofar = load.answered();
      await eventually(() => load.answered() >= sofar + 30, 'calls that are answered meanwhile');
    }
    expect(await load.stop()).toEqual([]);
  });
});

/**
 * Sixteen callers, each of which makes its next call as soon as the previous one has ended. `stop` returns the
 * failures.
 */
function steadyLoad(desk: Caller): { answered(): number; stop(): Promise<unknown[]> } {
  let [running, answered] = [true, 0];
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (running) {
      await desk.put().then(
        () => answered++,
        (error: unknown) => failures.push(error),
      );
    }
  };
  const lanes = Array.from({ length: 16 }, lane);
  return {
    answered: () => answered,
    stop: async () => {
      running = false;
      await Promise.all(lanes);
      return failures;
    },
  };
}
