import { setTimeout as sleep } from 'node:timers/promises';
import { startNatsServer, type TestNatsServer } from '@fledge/cli/servers';
import { failureOf, Rig, WAYS } from '../test/rig.js';
import { ModuleUnavailable } from '@fledge/kit/contract';
import { eventually } from '@fledge/kit/testing';

describe.each(WAYS)('NatsTransport when the broker goes away, $name', (way) => {
  let broker: TestNatsServer;
  let rig: Rig;
  beforeEach(async () => {
    broker = await startNatsServer();
    rig = new Rig(broker.url, way);
  });
  afterEach(async () => {
    await rig.close();
    await broker.stop();
  });

  it('fails within about a second, says that nothing ran, and runs nothing later', async () => {
    const ran: string[] = [];
    await rig.replica({ put: ({ what }) => ran.push(what) });
    const desk = await rig.caller();
    expect(await desk.put('before')).toBe(1);
    await broker.stop();
    await eventually(() => !desk.transport.isConnected(), 'the loss of the connection');
    const from = performance.now();
    const error = await failureOf(desk.put('while away'));
    expect(error).toBeInstanceOf(ModuleUnavailable);
    expect(error).toMatchObject({ reason: 'disconnected', outcome: 'not-run' });
    expect(performance.now() - from).toBeLessThan(3_500);
    broker = await startNatsServer({ port: broker.port });
    await eventually(async () => (await desk.put('after')) !== undefined, 'a call after the return');
    expect(ran.filter((what) => what === 'while away')).toEqual([]);
  });

  it('keeps a call until the connection is back, when that is soon', async () => {
    await rig.replica({ put: () => 7 });
    const desk = await rig.caller();
    const { port } = broker;
    await broker.stop();
    await eventually(() => !desk.transport.isConnected(), 'the loss of the connection');
    const calls = Promise.all(Array.from({ length: 20 }, () => desk.put()));
    broker = await startNatsServer({ port });
    expect(await calls).toEqual(new Array(20).fill(7));
  });

  it('restores everything, as often as needed', async () => {
    const replica = await rig.replica({ count: () => 3 });
    const desk = await rig.caller();
    for (let turn = 0; turn < 3; turn++) {
      const { port } = broker;
      await broker.stop();
      await eventually(
        () => !desk.transport.isConnected() && !replica.transport.isConnected(),
        'the loss of the connections',
      );
      await sleep(turn * 150);
      broker = await startNatsServer({ port });
      await eventually(
        () => desk.transport.isConnected() && replica.transport.isConnected(),
        'the return of the connections',
      );
      expect(await desk.count()).toBe(3);
    }
  });

  it('resends a query that was in progress', async () => {
    let runs = 0;
    await rig.replica({ count: () => (++runs === 1 ? sleep(600, 1) : 2) });
    const desk = await rig.caller();
    const call = desk.count();
    await eventually(() => runs === 1, 'the start of the query');
    const { port } = broker;
    await broker.stop();
    await sleep(700);
    broker = await startNatsServer({ port });
    expect(await call).toBe(2);
  });

  // Its result was treated as larger than the broker's limit, because an absent broker has none.
  it('does not treat work that ends in the meantime as a fault', async () => {
    const faults: unknown[] = [];
    let end: ((value: number) => void) | undefined;
    await rig.replica({
      count: () => new Promise<number>((resolve) => (end = resolve)),
      logFault: (_module, _message, _id, error) => faults.push(error),
    });
    const desk = await rig.caller();
    const call = failureOf(desk.count());
    await eventually(() => end !== undefined, 'the start of the query');
    await broker.stop();
    expect(await failureOf(desk.put())).toMatchObject({ reason: 'disconnected' });
    end?.(1);
    expect(await call).toBeInstanceOf(Error);
    expect(faults).toEqual([]);
  });

  it('drains and closes without waiting for a broker that is away', async () => {
    const { transport } = await rig.replica();
    await broker.stop();
    await eventually(() => !transport.isConnected(), 'the loss of the connection');
    const from = performance.now();
    await transport.drain();
    await transport.close();
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});
