import { jest } from '@jest/globals';
import { Host, LocalTransport, QuietLogger, withCallOptions } from '@fledge/kit';
import { DeadlineExceeded, InvalidMessage, ModuleFault } from '@fledge/kit/contract';
import { CannotEmit, type FledgeClient } from '@fledge/kit/microservices';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { Logger } from '@nestjs/common';
import { NatsTransport } from '@fledge/nats';
import { ModulesContainer } from '@nestjs/core';
import { NatsRecordBuilder, type Server } from '@nestjs/microservices';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { Cook, kitchen } from './cook.js';
import { FILLED, FindJar, Jar, JarFound, OutOfJars, seen, Sweep, Wait } from './pantry.js';

const MODULES = ['pantry', 'cook', 'stranger'];
const LOGGER = new QuietLogger();

function namespace(): string {
  return `ms${Math.random().toString(36).slice(2, 12)}`;
}

/** One process, or a host for each module. */
async function local(): Promise<Host[]> {
  return [
    await new Host({ application: kitchen, modules: MODULES, transport: new LocalTransport(), logger: LOGGER }).start(),
  ];
}

async function nats(): Promise<Host[]> {
  const name = namespace();
  const hosts: Host[] = [];
  for (const module of MODULES) {
    const transport = new NatsTransport({ url: testNatsUrl(), namespace: name });
    hosts.push(new Host({ application: kitchen, modules: [module], transport, logger: LOGGER }));
    await hosts.at(-1)?.start();
  }
  return hosts;
}

/** Nest 11 has no such hook. */
const hookOf = (client: object, hook: (packet: object) => void): void =>
  (client as { setOnDispatchHook?(hook: (packet: object) => void): void }).setOnDispatchHook?.(hook);

/** What an observable fails with. */
const failure = (of: Observable<unknown>): Promise<unknown> =>
  lastValueFrom(of).then(
    (value) => Promise.reject(new Error(`no failure: ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );

describe.each([
  ['local', local],
  ['nats', nats],
])('clients and handlers of patterns, %s', (_name, start) => {
  let hosts: Host[] = [];
  let client: FledgeClient;
  const hostOf = (module: string): Host => (hosts.length === 1 ? hosts[0] : hosts[MODULES.indexOf(module)]) as Host;
  const cookOf = (module: string): Cook => hostOf(module).module(module).get(Cook, { strict: false });
  const send = <T = unknown>(pattern: unknown, data: unknown): Promise<T> =>
    lastValueFrom(client.send<T>(pattern, data));

  beforeAll(async () => {
    hosts = await start();
    client = cookOf('cook').pantry;
  });
  afterAll(async () => {
    for (const host of hosts) await host.close();
  });
  beforeEach(() => seen.splice(0));

  it('sends a message of a contract by its class or its wire name, and returns an instance of its result', async () => {
    const jar = await lastValueFrom(cookOf('cook').find('plum'));
    expect(jar).toBeInstanceOf(Jar);
    expect(jar).toEqual({ id: 'plum', grams: 500, filled: FILLED });
    expect(await send('pantry.find-jar.v1', { id: 'fig' })).toBeInstanceOf(Jar);
    expect(await send(FindJar, Object.assign(new FindJar(), { id: 'fig' }))).toMatchObject({ id: 'fig' });
  });

  it('completes a command without a result with undefined, and names its caller', async () => {
    expect(await lastValueFrom(client.send(Sweep, { rooms: 2 }).pipe(toArray()))).toEqual([undefined]);
    expect(seen).toEqual(['sweep 2 by cook']);
  });

  it('fails with the typed errors of the contract and of the kit', async () => {
    const out = await failure(client.send(FindJar, { id: 'none' }));
    expect(out).toBeInstanceOf(OutOfJars);
    expect(out).toMatchObject({ left: 0, code: 'pantry.out-of-jars.v1' });
    expect(await failure(client.send(Sweep, { rooms: 0 }))).toBeInstanceOf(InvalidMessage);
    expect(await failure(client.send(Sweep, { rooms: 1, more: 1 }))).toBeInstanceOf(InvalidMessage);
    const fault = await failure(client.send(FindJar, { id: 'broken' }));
    expect(fault).toBeInstanceOf(ModuleFault);
    expect(String(fault)).not.toContain('secret');
  });

  it('ends by the deadline of the caller', async () => {
    const late = withCallOptions({ deadlineMs: 30 }, () => lastValueFrom(client.send(Wait, { ms: 4_000 })));
    await expect(late).rejects.toBeInstanceOf(DeadlineExceeded);
  });

  it('cancels the call when its observable is unsubscribed', async () => {
    const subscription = client.send(Wait, { ms: 4_000 }).subscribe();
    await eventually(() => seen.includes('wait began'), 'the handler has begun');
    subscription.unsubscribe();
    await eventually(() => seen.includes('wait aborted'), 'the handler is aborted');
  });

  it('refuses what the module may not call', async () => {
    const stranger = cookOf('stranger');
    expect(await failure(stranger.find('plum'))).toMatchObject({ code: 'fledge.undeclared-dependency' });
    expect(await failure(stranger.pantry.send('jars.sum', [1]))).toMatchObject({
      code: 'fledge.undeclared-dependency',
      data: { contract: 'pantry._pattern.jars.sum' },
    });
  });

  it('refuses to emit messages of contracts, with what to do instead', async () => {
    for (const pattern of [Sweep, 'pantry.sweep.v1', JarFound]) {
      const error = await failure(client.emit(pattern, { rooms: 1, id: 'x' }));
      expect(error).toBeInstanceOf(CannotEmit);
      expect((error as CannotEmit).hint).toContain(pattern === JarFound ? 'publish' : 'send()');
    }
    expect(seen).toEqual([]);
    // nobody has to subscribe to what emit() returns: then the log is all that tells
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    client.emit(Sweep, { rooms: 1 });
    await eventually(() => expect(warn).toHaveBeenCalledWith(expect.stringContaining('Sweep')), 'a warning');
    warn.mockRestore();
  });

  it('calls handlers of patterns with guards, pipes, interceptors and filters', async () => {
    expect(await send('jars.sum', [1, 2, 3])).toBe(6);
    expect(await send({ cmd: 'twice' }, { n: '21' })).toBe(42);
    expect(await send('guarded', { secret: 'open sesame' })).toBe('come in');
    expect(await failure(client.send('guarded', {}))).toEqual({ status: 'error', message: 'Forbidden resource' });
    expect(await failure(client.send('pipe', { n: 'x' }))).toMatchObject({ code: 'E_EXPLAINED' });
  });

  it('gives handlers of patterns their context: caller, deadline, trace, headers and metadata', async () => {
    const record = new NatsRecordBuilder({ any: 1 }).setHeaders({ 'x-lang': 'cs' }).build();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const metadata = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    hookOf(client, (packet) => Object.assign(packet, { metadata }));
    const hasHook = 'setOnDispatchHook' in client;
    try {
      expect(await send('context', record)).toEqual({
        subject: 'pantry._pattern.context',
        header: 'cs',
        metadata: hasHook ? metadata : {},
        caller: 'cook',
        trace: hasHook ? trace : expect.stringMatching(/^[0-9a-f]{32}$/),
        hasDeadline: true,
      });
    } finally {
      hookOf(client, () => undefined);
    }
    expect(await send('lazy', {})).toBe('x cook');
  });

  it('carries values of patterns as JSON, and completes without a value where there is none', async () => {
    expect(await send('date', {})).toEqual({ at: FILLED.toISOString(), jar: { id: 'j' } });
    expect(await lastValueFrom(client.send('nothing', {}).pipe(toArray()))).toEqual([]);
  });

  it('answers errors of patterns as Nest documents them', async () => {
    expect(await failure(client.send('refused', {}))).toEqual({ code: 'E_REFUSED', why: 'no jars' });
    expect(await failure(client.send('text', {}))).toEqual({ status: 'error', message: 'just text' });
    expect(await failure(client.send('broken', {}))).toEqual({ status: 'error', message: 'Internal server error' });
    expect(await failure(client.send('stream', {}))).toMatchObject({ message: expect.stringContaining('one value') });
    expect(await failure(client.send('uncarried', {}))).toBeInstanceOf(ModuleFault);
    expect(await failure(client.send('unknown', {}))).toMatchObject({ data: { reason: 'missing' } });
  });

  it('emits to all handlers of an event, and completes when they have ended', async () => {
    await lastValueFrom(client.emit('jar.dropped', { id: 'j-1' }), { defaultValue: undefined });
    expect(seen.sort()).toEqual(['also dropped j-1', 'dropped j-1']);
    expect(await failure(client.emit('unknown', {}))).toMatchObject({ code: 'fledge.module-unavailable' });
  });

  it('feeds the hooks of instrumentation around each handler', async () => {
    const told: string[] = [];
    const servers: Server[] = [];
    hostOf('pantry')
      .module('pantry')
      .get(ModulesContainer)
      .getRpcTargetRegistry<Server>()
      .subscribe((server) => servers.push(server));
    const [server] = servers as [Server];
    server.setOnProcessingStartHook((_id, context, done) => {
      told.push(`start ${(context as { getSubject(): string }).getSubject()}`);
      void done();
    });
    server.setOnProcessingEndHook(() => told.push('end'));
    await send('jars.sum', [1]);
    await failure(client.send('refused', {}));
    expect(told).toEqual(['start pantry._pattern.jars.sum', 'end', 'start pantry._pattern.refused', 'end']);
  });
});
