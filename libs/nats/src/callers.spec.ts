import { connect, headers as natsHeaders, type NatsConnection } from '@nats-io/transport-node';
import { currentCall, withCallOptions } from '@fledge/kit';
import { CallerNotAllowed, CallCancelled } from '@fledge/kit/contract';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { ModuleClient } from '@fledge/kit/compliance';
import type { CompiledMessage } from '@fledge/kit/transport';
import { failureOf, Put, Rig, WAYS } from '../test/rig.js';

describe.each(WAYS)('the caller of a call over NATS, $name', (way) => {
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
  const ask = async (name: string, inboxPrefix?: string): Promise<unknown> => {
    const asking = inboxPrefix === undefined ? client : await connect({ servers: testNatsUrl(), inboxPrefix });
    try {
      return (await asking.request(`${rig.namespace}.shelf.${name}`, '{"of":"x"}', { timeout: 1_000 })).json();
    } finally {
      if (asking !== client) await asking.close();
    }
  };
  const inboxOf = (caller: string): string => `_INBOX.${rig.namespace}.${caller}`;

  it('is the last part of its subject, not a header', async () => {
    const callers: (string | undefined)[] = [];
    await rig.replica({ count: () => callers.push(currentCall()?.caller) }, { clients: ['reporting'] });
    await (await rig.caller()).count();
    await ask('count.v1.reporting');
    const headers = natsHeaders();
    headers.set('Fledge-Caller', 'desk');
    await client.request(`${rig.namespace}.shelf.count.v1`, '{"of":"x"}', { headers, timeout: 1_000 });
    expect(callers).toEqual(['desk', 'reporting', 'nats']);
  });

  it('is refused unless it is a module of the application or a client of the topology', async () => {
    let ran = 0;
    await rig.replica({ count: () => ran++ }, { clients: ['reporting'], isProvisioned: true }, ['shelf', 'office']);
    const error = await failureOf((await rig.caller()).count());
    expect(error).toBeInstanceOf(CallerNotAllowed);
    expect(error).toMatchObject({ caller: 'desk', contract: 'shelf.count.v1', outcome: 'not-run' });
    expect(await ask('count.v1')).toMatchObject({ code: 'fledge.caller-not-allowed', data: { caller: 'nats' } });
    expect(await ask('count.v1.nats')).toMatchObject({ code: 'fledge.caller-not-allowed' });
    const long = 'x'.repeat(200);
    expect(await ask(`count.v1.${long}`, inboxOf(long))).toMatchObject({
      kind: 'internal',
      data: { caller: long.slice(0, 64) },
    });
    expect(await ask('count.v1.Bad_Name', inboxOf('Bad_Name'))).toMatchObject({ code: 'fledge.caller-not-allowed' });
    expect(ran).toBe(0);
    expect(await ask('count.v1.reporting')).toBe(0);
    expect(await ask('count.v1.office', inboxOf('office'))).toBe(1);
  });

  // a call of the pattern `stock` by `desk` ran the handler of `stock.desk`
  it.each([false, true])('is not taken for a part of a pattern, with provisioned: %s', async (isProvisioned) => {
    const [stock, stockDesk] = ['stock', 'stock.desk'].map((route) => ({
      ...rig.message(Put),
      name: `shelf._pattern.${route}`,
    })) as [CompiledMessage, CompiledMessage];
    const ran: string[] = [];
    const server = rig.moduleServer({});
    for (const message of [stock, stockDesk])
      server.add(message, {
        execute: () => Promise.resolve(ran.push(`${message.name} by ${currentCall()?.caller}`)),
      });
    await (await rig.transport({ isProvisioned })).serve(server);
    const { transport } = await rig.caller();
    const call = (message: CompiledMessage): Promise<unknown> =>
      new ModuleClient('desk', message, transport.sender('desk', message), { record: () => undefined }).execute(
        new Put({ what: 'x' }),
      );
    await call(stock);
    await call(stockDesk);
    const body = '{"what":"x"}';
    await client.request(`${rig.namespace}.shelf._pattern.stock.desk`, body, { timeout: 300 }).catch(() => undefined);
    const unnamed = isProvisioned ? [] : ['shelf._pattern.stock.desk by nats'];
    expect(ran).toEqual(['shelf._pattern.stock by desk', 'shelf._pattern.stock.desk by desk', ...unnamed]);
  });

  it('gets its answer in an inbox of its own, and nothing is written to another subject', async () => {
    const stolen: string[] = [];
    const event = `${rig.namespace}._event.shelf.filled.v1`;
    client.subscribe(event, { callback: (_error, message) => void stolen.push(message.string()) });
    let ran = 0;
    await rig.replica({ count: () => ran++ });
    const replies = [event, `${inboxOf('office')}.x.1`, `${inboxOf('desk')}x.1`, `${inboxOf('desk')}`, 'anything'];
    for (const subject of ['count.v1.desk', 'count.v1', 'nonsense.v1', 'put.v1.desk']) {
      for (const reply of replies) {
        if (subject === 'nonsense.v1' && reply.startsWith('_INBOX.')) continue;
        client.subscribe(reply, { max: 1, callback: (_error, message) => void stolen.push(message.subject) });
        client.publish(`${rig.namespace}.shelf.${subject}`, '{"of":"x"}', { reply });
      }
    }
    client.publish('$SRV.PING.shelf', '', { reply: event });
    await client.flush();
    // calls of one connection are taken in their order
    expect(await ask('count.v1')).toBe(0);
    expect({ ran, stolen }).toEqual({ ran: 1, stolen: [] });
  });

  it('has inboxes, tokens and ids that are unrelated and that no other call shows', async () => {
    const seen: { reply: string; id: string }[] = [];
    client.subscribe(`${rig.namespace}.shelf.>`, {
      callback: (_error, message) => {
        seen.push({ reply: message.reply ?? '', id: message.headers?.get('Fledge-Id') ?? '' });
        message.respond('1');
      },
    });
    await client.flush();
    const callers = [await rig.caller(), await rig.caller()];
    for (const caller of [...callers, ...callers]) await caller.count();
    const parts = seen.map(({ reply, id }) => {
      const match = /^_INBOX\.(\w+)\.desk\.([\w-]{22})\.([0-9a-f]{16})\d+$/.exec(reply);
      return { namespace: match?.[1], inbox: match?.[2], token: match?.[3], ids: id.slice(0, id.lastIndexOf('.')) };
    });
    expect(parts.map(({ namespace }) => namespace)).toEqual(Array.from({ length: 4 }, () => rig.namespace));
    const count = (key: 'inbox' | 'token' | 'ids'): number => new Set(parts.map((part) => part[key])).size;
    expect({ inboxes: count('inbox'), ids: count('ids'), tokens: count('token') }).toEqual({
      inboxes: 2,
      ids: 2,
      tokens: 4,
    });
    expect(parts.some(({ inbox, ids }) => inbox === ids)).toBe(false);
  });

  it('ignores an answer without the token of its call', async () => {
    client.subscribe(`${rig.namespace}.shelf.>`, {
      callback: (_error, message) => {
        const reply = message.reply ?? '';
        const at = reply.lastIndexOf('.') + 1;
        client.publish(`${reply.slice(0, at)}${'0'.repeat(16)}${reply.slice(at + 16)}`, '666');
        client.publish(`${reply.slice(0, at)}${reply.slice(at + 16)}`, '667');
        client.publish(reply, '1');
      },
    });
    await client.flush();
    expect(await (await rig.caller()).count()).toBe(1);
  });

  it('cancels only its own calls', async () => {
    let aborted = 0;
    let id = '';
    await rig.replica({
      put: () => new Promise((resolve) => currentCall()?.signal.addEventListener('abort', () => resolve(++aborted))),
    });
    client.subscribe(`${rig.namespace}.shelf.put.v1.desk`, {
      callback: (_error, message) => void (id = message.headers?.get('Fledge-Id') ?? ''),
    });
    await client.flush();
    const desk = await rig.caller();
    const controller = new AbortController();
    const call = failureOf(withCallOptions({ signal: controller.signal }, () => desk.put()));
    await eventually(() => id !== '', 'the call');
    for (const other of ['office', 'shelf']) client.publish(`${rig.namespace}._cancel.shelf.${other}`, id);
    await client.flush();
    await ask('count.v1');
    expect(aborted).toBe(0);
    controller.abort();
    expect(await call).toBeInstanceOf(CallCancelled);
    await eventually(() => aborted === 1, 'the abort');
  });
});
