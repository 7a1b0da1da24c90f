import { setTimeout as sleep } from 'node:timers/promises';
import { connect, headers as natsHeaders, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { failureOf, Full, Rig, WAYS } from '../test/rig.js';
import { currentCall, withCallOptions } from '@fledge/kit';
import { CallCancelled, DeadlineExceeded, InvalidMessage, ModuleFault, ModuleUnavailable } from '@fledge/kit/contract';
import { eventually, testNatsUrl } from '@fledge/kit/testing';

describe.each(WAYS)('NatsTransport, $name', (way) => {
  let rig: Rig;
  let client: NatsConnection;
  beforeEach(async () => {
    rig = new Rig(testNatsUrl(), way);
    client = await connect({ servers: testNatsUrl() });
  });
  afterEach(async () => {
    await rig.close();
    await client.close();
  });
  const ask = (name: string, body: string, lines: Record<string, string> = {}): Promise<Msg> => {
    const headers = natsHeaders();
    for (const [key, value] of Object.entries(lines)) headers.set(key, value);
    return client.request(`${rig.namespace}.shelf.${name}`, body, {
      timeout: 2_000,
      ...(Object.keys(lines).length > 0 && { headers }),
    });
  };

  describe('any NATS client', () => {
    it('can call with plain JSON', async () => {
      let seen: ReturnType<typeof currentCall>;
      await rig.replica({ count: ({ of }) => ((seen = currentCall()), of.length) });
      expect((await ask('count.v1', '{"of":"seven!!"}')).json()).toBe(7);
      expect(seen).toMatchObject({ caller: 'nats', identity: undefined, idempotencyKey: undefined });
      // The contract's own deadline.
      expect(seen?.timeLeftMs).toBeLessThanOrEqual(4_000);
      expect(seen?.timeLeftMs).toBeGreaterThan(3_000);
    });

    it('may set identity, time, trace and key in headers, but no more time than the contract allows', async () => {
      const seen: ReturnType<typeof currentCall>[] = [];
      await rig.replica({ count: () => seen.push(currentCall()) });
      await ask('count.v1', '{"of":""}', {
        'Fledge-Subject': 'alice',
        'Fledge-Roles': 'staff,a%2Cb',
        'Fledge-Left-Ms': '500',
        'Fledge-Idempotency-Key': 'k',
        'Fledge-Caller': 'desk',
      });
      await ask('count.v1', '{"of":""}', { 'Fledge-Left-Ms': '999999' });
      expect(seen[0]).toMatchObject({
        // the subject says who calls, and this one says nothing
        caller: 'nats',
        identity: { subject: 'alice', roles: ['staff', 'a,b'] },
        idempotencyKey: 'k',
      });
      expect(seen[0]?.timeLeftMs).toBeLessThanOrEqual(500);
      expect(seen[1]?.timeLeftMs).toBeLessThanOrEqual(4_000);
    });

    it.each([
      ['no JSON', 'count.v1', '{"of"', {}, 400, 'fledge.invalid-message', 'json'],
      ['a message that breaks its contract', 'count.v1', '{"of":5}', {}, 400, 'fledge.invalid-message', 'type'],
      ['no payload', 'count.v1', '', {}, 400, 'fledge.invalid-message', 'type'],
      [
        'a malformed header',
        'count.v1',
        '{"of":""}',
        { 'Fledge-Left-Ms': 'soon' },
        400,
        'fledge.invalid-message',
        'headers',
      ],
      [
        'a context that is no JSON object',
        'count.v1',
        '{"of":""}',
        { 'Fledge-Context': '["acme"]' },
        400,
        'fledge.invalid-message',
        'context',
      ],
    ] as const)('gets an error of the service protocol for %s', async (_, name, body, lines, code, kitCode, rule) => {
      await rig.replica();
      const answer = await ask(name, body, lines);
      expect(answer.headers?.code === 0 ? Number(answer.headers.get('Nats-Service-Error-Code')) : undefined).toBe(code);
      expect(answer.headers?.get('Nats-Service-Error')).toContain('breaks its contract');
      expect(answer.headers?.get('Fledge-Error')).toBe(kitCode);
      expect(answer.json()).toMatchObject({
        code: kitCode,
        kind: 'invalid',
        outcome: 'rejected',
        data: { violations: [{ rule }] },
      });
    });

    it('can read declared errors, faults and unknown messages', async () => {
      await rig.replica({
        put: () => Promise.reject(new Full({ most: 3, since: new Date(0) })),
        count: () => Promise.reject(new Error('inner\r\ntext')),
      });
      const full = await ask('put.v1', '{"what":""}');
      expect(full.headers?.get('Nats-Service-Error-Code')).toBe('409');
      expect(full.json()).toEqual({
        code: 'shelf.full.v1',
        kind: 'conflict',
        message: 'the shelf is full with 3',
        hint: 'Take something off.',
        outcome: 'rejected',
        data: { most: 3, since: '1970-01-01T00:00:00.000Z' },
      });
      const fault = await ask('count.v1', '{"of":""}');
      expect(fault.headers?.get('Nats-Service-Error-Code')).toBe('500');
      expect(fault.string()).not.toContain('inner');
      expect((await ask('nonsense.v9', '{}')).json()).toMatchObject({
        code: 'fledge.module-unavailable',
        data: { reason: 'missing' },
      });
    });

    it('never gets a notice in place of the result', async () => {
      await rig.replica({ count: () => sleep(900, 5) });
      expect((await ask('count.v1', '{"of":""}')).json()).toBe(5);
    });

    it('gets a response when the deadline has passed', async () => {
      await rig.replica({ count: () => sleep(1_000, 5) });
      const answer = await ask('count.v1', '{"of":""}', { 'Fledge-Left-Ms': '100' });
      expect(answer.json()).toMatchObject({ code: 'fledge.deadline-exceeded', outcome: 'unknown' });
    });
  });

  it('fails at once when no replica is there, and says that nothing ran', async () => {
    const desk = await rig.caller();
    const from = performance.now();
    const error = await failureOf(desk.put());
    expect(error).toBeInstanceOf(ModuleUnavailable);
    expect(error).toMatchObject({ reason: 'missing', outcome: 'not-run' });
    expect(performance.now() - from).toBeLessThan(900);
  });

  it('never starts a call that is already too late', async () => {
    let ran = 0;
    await rig.replica({ count: () => ran++ });
    for (const left of ['0', '-5']) {
      expect((await ask('count.v1', '{"of":""}', { 'Fledge-Left-Ms': left })).json()).toMatchObject({
        code: 'fledge.deadline-exceeded',
        outcome: 'not-run',
      });
    }
    expect(ran).toBe(0);
  });

  it('does not count a call as in flight after its response', async () => {
    const { moduleServer } = await rig.replica({
      put: () => Promise.reject(new Full({ most: 3, since: new Date(0) })),
      count: () => sleep(5, 1),
    });
    const desk = await rig.caller();
    await Promise.allSettled([
      ...Array.from({ length: 20 }, () => desk.put()),
      ...Array.from({ length: 20 }, () => desk.count()),
      ask('count.v1', '{}'),
      ask('count.v1', '{"of":""}'),
    ]);
    expect(moduleServer.inFlight).toBe(0);
  });

  it.each([
    ['no JSON', '{'],
    ['another type', '"7"'],
    ['nothing', ''],
  ])('treats a result that its contract does not allow as a fault: %s', async (_, answer) => {
    client.subscribe(`${rig.namespace}.shelf.>`, {
      queue: 'shelf',
      callback: (_error, message) => void message.respond(answer),
    });
    await client.flush();
    const error = await failureOf((await rig.caller()).count());
    expect(error).toBeInstanceOf(ModuleFault);
    expect(error).toMatchObject({ module: 'shelf', outcome: 'unknown' });
  });

  it('treats the error of a foreign service as a fault, and one that breaks its contract too', async () => {
    const answers = [
      { lines: { 'Nats-Service-Error': 'no', 'Nats-Service-Error-Code': '500' }, body: 'no JSON' },
      {
        lines: { 'Nats-Service-Error': 'full', 'Nats-Service-Error-Code': '409' },
        body: '{"code":"shelf.full.v1","message":"full","data":{"most":"many"}}',
      },
      {
        lines: { 'Nats-Service-Error': 'bad', 'Nats-Service-Error-Code': '400' },
        body: '{"code":"fledge.invalid-message","data":{"violations":[{"path":"a"},7]}}',
      },
    ];
    client.subscribe(`${rig.namespace}.shelf.>`, {
      queue: 'shelf',
      callback: (_error, message) => {
        const { lines, body } = answers.shift() as (typeof answers)[number];
        const headers = natsHeaders();
        for (const [key, value] of Object.entries(lines)) headers.set(key, value);
        message.respond(body, { headers });
      },
    });
    await client.flush();
    const desk = await rig.caller();
    expect(await failureOf(desk.put())).toBeInstanceOf(ModuleFault);
    expect(await failureOf(desk.put())).toBeInstanceOf(ModuleFault);
    const invalid = await failureOf(desk.put());
    expect(invalid).toBeInstanceOf(InvalidMessage);
    expect((invalid as InvalidMessage).violations[0]).toEqual({ path: 'a', rule: '', message: '' });
  });

  it('cancels an aborted call: its token is free, its handler is notified, and later results are ignored', async () => {
    let [started, aborted] = [0, 0];
    await rig.replica({
      put: async () => {
        started += 1;
        await sleep(5_000, undefined, { signal: currentCall()?.signal }).catch(() => aborted++);
        return 1;
      },
    });
    const desk = await rig.caller();
    const controller = new AbortController();
    const calls = Array.from({ length: 10 }, () => withCallOptions({ signal: controller.signal }, () => desk.put()));
    await eventually(() => started === 10, 'ten handlers under way');
    controller.abort();
    for (const call of calls) expect(await failureOf(call)).toBeInstanceOf(CallCancelled);
    await eventually(() => aborted === 10, 'the abort of ten handlers');
  });

  it('fails the calls in progress when it closes', async () => {
    let started = false;
    await rig.replica({ put: () => ((started = true), sleep(3_000, 1)) });
    const desk = await rig.caller();
    const call = failureOf(desk.put());
    await eventually(() => started, 'it under way');
    const from = performance.now();
    await desk.transport.close();
    expect(await call).toMatchObject({ code: 'fledge.call-cancelled', outcome: 'unknown' });
    expect(await failureOf(desk.put())).toMatchObject({ code: 'fledge.module-unavailable', reason: 'disconnected' });
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(desk.transport.isConnected()).toBe(false);
  });

  it('ends an unanswered command at its deadline', async () => {
    client.subscribe(`${rig.namespace}.shelf.>`, { queue: 'shelf', callback: () => undefined });
    await client.flush();
    const desk = await rig.caller();
    const from = performance.now();
    const error = await failureOf(desk.put());
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error).toMatchObject({ outcome: 'unknown' });
    // its contract allows 4 s
    expect(performance.now() - from).toBeGreaterThan(3_900);
    expect(performance.now() - from).toBeLessThan(12_000);
  });

  it('handles messages that are split into several chunks, among small ones', async () => {
    await rig.replica({ count: ({ of }) => of.length });
    const desk = await rig.caller();
    // A chunk is at most 64 KiB: these are split in the protocol line, in the headers, in the payload, and at its end.
    const sizes = Array.from({ length: 200 }, (_, i) => (i % 4 === 0 ? 65_536 - 250 + i : i));
    const answers = await Promise.all(sizes.map((size, i) => desk.count((i % 3 === 0 ? 'ü' : 'x').repeat(size))));
    expect(answers).toEqual(sizes);
  });

  it('handles a thousand calls at once, and returns the right result to each', async () => {
    await rig.replica({ count: async ({ of }) => (await sleep(Number(of) % 7), Number(of)), inFlightMax: 2_000 });
    const desk = await rig.caller();
    const numbers = Array.from({ length: 1_000 }, (_, i) => i);
    expect(await Promise.all(numbers.map((n) => desk.count(String(n))))).toEqual(numbers);
  });
});
