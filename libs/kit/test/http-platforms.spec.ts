import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { type Application, Host, LocalTransport, type NestHooks, type PlatformName, type Transport } from '@fledge/kit';
import { eventually, testModule, testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import fastifyCompress from '@fastify/compress';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import { type INestApplication, Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import compression from 'compression';
import cookieParser from 'cookie-parser';
import helmet from 'helmet';
import { LeavesContract, LeavesModule, seen, SteepContract, SteepModule } from './http-platforms/steep.module.js';

Logger.overrideLogger(false);

/** Shorter than the streams of these tests. */
const REQUEST_TIMEOUT_MS = 300;
const BODY_MAX_BYTES = 1_000;
/** A host that waits for a stream waits for so long. */
const DRAIN_TIMEOUT_MS = 5_000;

const ON_FASTIFY: NestHooks = {
  beforeInit: async (app) => {
    // their types are of the release of Fastify at the root; Nest's adapter may have another
    await app.register(fastifyHelmet as never);
    await app.register(fastifyCookie as never);
    await app.register(fastifyCompress as never, { threshold: 10 } as never);
  },
};

const ON_EXPRESS: NestHooks = {
  beforeInit: (app: INestApplication) => {
    const express = app as NestExpressApplication;
    express.use(helmet(), cookieParser(), compression({ threshold: 10 }));
    express.useBodyParser('urlencoded');
  },
};

const application = (platform: PlatformName, nest?: NestHooks): Application => ({
  name: 'tea-house',
  platform,
  ...(nest && { nest }),
  modules: [
    { contract: SteepContract, load: () => Promise.resolve(SteepModule) },
    { contract: LeavesContract, load: () => Promise.resolve(LeavesModule) },
  ],
});

async function start(
  platform: PlatformName,
  modules: readonly string[],
  transport: Transport,
  nest?: NestHooks,
  trustedProxies: readonly string[] = [],
) {
  return new Host({
    application: application(platform, nest),
    modules,
    transport,
    http: { port: 0, requestTimeoutMs: REQUEST_TIMEOUT_MS, bodyMaxBytes: BODY_MAX_BYTES, trustedProxies },
    drain: { timeoutMs: DRAIN_TIMEOUT_MS },
    logger: false,
  }).start();
}

describe.each<PlatformName>(['fastify', 'express'])('HTTP on %s', (platform) => {
  const hosts: Host[] = [];
  let door: FrontDoor | undefined;
  let direct: string;
  let through: string;

  beforeAll(async () => {
    hosts.push(await start(platform, ['steep', 'leaves'], new LocalTransport()));
    direct = `http://127.0.0.1:${hosts[0]?.port}`;
    const namespace = `steep${randomBytes(4).toString('hex')}`;
    for (const module of ['leaves', 'steep'])
      hosts.push(
        await start(platform, [module], new NatsTransport({ url: testNatsUrl(), namespace }), undefined, [
          '127.0.0.0/8',
        ]),
      );
    door = await frontDoor({ port: 0, routes: new Map([['/steep', [`http://127.0.0.1:${hosts[2]?.port}`]]]) });
    await door.whenReady(5_000);
    through = `http://127.0.0.1:${door.port}`;
  });
  afterAll(async () => {
    await door?.close();
    for (const host of hosts) await host.close();
  });

  const http = async (path: string, init?: RequestInit) => {
    const response = await fetch(direct + path, init);
    const body = await response.text();
    return {
      status: response.status,
      body: body.startsWith('{') ? (JSON.parse(body) as unknown) : body,
      headers: response.headers,
    };
  };
  const post = (path: string, body: string, type = 'application/json') =>
    http(path, { method: 'POST', body, headers: { 'content-type': type } });

  it('serves the routes of controllers, with a correlation id', async () => {
    const { status, body, headers } = await http('/steep');
    expect([status, body]).toEqual([200, { steep: true }]);
    expect(headers.get('x-correlation-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(await http('/steep/cups/3', { method: 'PATCH' })).toMatchObject({ status: 200, body: { id: 3 } });
    expect(await http('/steep', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('believes what a proxy says of its client, and nobody else', async () => {
    const ipAt = async (origin: string, forwarded: string): Promise<unknown> =>
      (await fetch(`${origin}/steep/client`, { headers: { 'x-forwarded-for': forwarded } })).json();
    // who claims to be someone else is who they are, in one process and behind the front door
    expect(await ipAt(direct, '10.0.0.1')).toEqual({ ip: '127.0.0.1' });
    expect(await ipAt(through, '10.0.0.1')).toEqual({ ip: '127.0.0.1' });
    // a service behind a proxy on this machine
    const behind = `http://127.0.0.1:${hosts[2]?.port}`;
    expect(await ipAt(behind, '10.0.0.1')).toEqual({ ip: '10.0.0.1' });
    expect(await ipAt(behind, '192.0.2.7, 10.0.0.1, 127.0.0.3')).toEqual({ ip: '10.0.0.1' });
  });

  it.each<[string, () => ReturnType<typeof http>, object]>([
    ['an unknown path', () => http('/steep/none'), { status: 404, code: 'fledge.not-found' }],
    ['an exception', () => http('/steep/gone'), { status: 404, detail: 'no such tea' }],
    ['a fault', () => http('/steep/broken'), { status: 500, code: 'fledge.internal' }],
    [
      'another method',
      () => http('/steep', { method: 'DELETE' }),
      { status: 405, detail: '/steep takes GET, HEAD, POST, not DELETE' },
    ],
    ['another method of a parameter', () => http('/steep/cups/3'), { status: 405 }],
    ['OPTIONS without CORS', () => http('/steep', { method: 'OPTIONS' }), { status: 405 }],
    ['a pipe', () => http('/steep/cups/x', { method: 'PATCH' }), { status: 400 }],
    ['a path that cannot be decoded', () => http('/steep/cups/%', { method: 'PATCH' }), { status: 400 }],
    [
      'validation',
      () => post('/steep', '{"grams":"x"}'),
      { status: 400, violations: [expect.objectContaining({ path: 'grams' })] },
    ],
    ['broken JSON', () => post('/steep', '{'), { status: 400, code: 'fledge.bad-request' }],
    ['a reserved name', () => post('/steep/free', '{"__proto__":{"a":1}}'), { status: 400 }],
    [
      'a long body',
      () => post('/steep', `"${'x'.repeat(BODY_MAX_BYTES)}"`),
      { status: 413, detail: expect.stringContaining('1000 bytes') },
    ],
    [
      'a form',
      () => post('/steep/free', 'a=1', 'application/x-www-form-urlencoded'),
      { status: 415, detail: expect.stringContaining('application/json') },
    ],
    ['text', () => post('/steep/free', 'a', 'text/plain'), { status: 415 }],
    ['bad credentials', () => http('/steep', { headers: { 'x-user': 'x' } }), { status: 401 }],
    ['no credentials', () => http('/steep/private'), { status: 401 }],
    ['no role', () => http('/steep/private/cellar', { headers: { 'x-user': 'mia' } }), { status: 403 }],
    ['a spent deadline', () => http('/steep/slow/2000'), { status: 504, code: 'fledge.deadline-exceeded' }],
  ])('answers %s with a problem', async (_what, ask, problem) => {
    const { body, headers } = await ask();
    expect(body).toMatchObject({ correlationId: headers.get('x-correlation-id'), ...problem });
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('reads a body of any JSON, and an empty one', async () => {
    expect((await post('/steep/free', '{"a":[1]}')).body).toEqual({ body: { a: [1] } });
    expect((await post('/steep/free', '7')).body).toEqual({ body: 7 });
    expect((await post('/steep/free', '')).body).toEqual({});
    expect((await http('/steep/free', { method: 'POST' })).body).toEqual({});
  });

  it('lets the identity of a request cross the boundary', async () => {
    expect((await http('/steep/private', { headers: { 'x-user': 'mia' } })).body).toEqual({ subject: 'mia' });
    for (const origin of [direct, through])
      expect(await (await fetch(`${origin}/steep/slow/1`, { headers: { 'x-user': 'mia' } })).json()).toEqual({
        by: 'mia',
      });
  });

  const open = async (origin: string, path: string): Promise<IncomingMessage> => {
    const request = send(origin + path);
    request.on('error', () => undefined).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response.on('error', () => undefined);
  };

  it.each(['direct', 'through the front door'])('cancels a read whose client goes away, %s', async (way) => {
    const before = seen.cancelled;
    const request = send(`${way === 'direct' ? direct : through}/steep/hang`);
    request.on('error', () => undefined).end();
    await once(request, 'socket');
    const gone = setInterval(() => request.destroy(), 100);
    await eventually(() => expect(seen.cancelled).toBe(before + 1), 'the cancellation').finally(() =>
      clearInterval(gone),
    );
  });

  it.each(['direct', 'through the front door'])(
    'sends events as they come, past the time for a request, until the client goes, %s',
    async (way) => {
      const before = seen.streamsEnded;
      const startedAt = performance.now();
      const response = await open(way === 'direct' ? direct : through, '/steep/events');
      expect(response.headers['content-type']).toBe('text/event-stream');
      let events = '';
      response.setEncoding('utf8').on('data', (part: string) => (events += part));
      await eventually(() => expect(events).toContain('"n":2,"by":"nobody"'), 'the first events');
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      const enough = (): boolean => performance.now() - startedAt > 2 * REQUEST_TIMEOUT_MS;
      await eventually(enough, 'the time for a request is over');
      const sofar = events.length;
      await eventually(() => expect(events.length).toBeGreaterThan(sofar), 'more events');
      expect(events).not.toContain('event: error');
      response.destroy();
      await eventually(() => expect(seen.streamsEnded).toBe(before + 1), 'the source ends');
    },
  );

  it.each(['direct', 'through the front door'])(
    'streams a file at the pace of its reader, and closes it when the reader goes, %s',
    async (way) => {
      const { filesClosed: before, bytesRead: readBefore } = seen;
      const response = await open(way === 'direct' ? direct : through, '/steep/file');
      expect(response.headers['content-disposition']).toBe('attachment; filename="leaves.txt"');
      response.once('readable', () => response.read(1));
      let last = -1;
      // nobody reads on: what is between fills up, and then the source stands still
      await eventually(() => {
        const isStill = last === seen.bytesRead && last > readBefore;
        last = seen.bytesRead;
        return isStill;
      }, 'the source stands still');
      expect(last - readBefore).toBeLessThan(32 * 1024 * 1024);
      response.resume();
      await eventually(() => expect(seen.bytesRead).toBeGreaterThan(last + 1_000_000), 'it goes on');
      response.destroy();
      await eventually(() => expect(seen.filesClosed).toBe(before + 1), 'it is closed');
    },
  );

  it('takes helmet, cookies and compression by the hooks of the application', async () => {
    const extra = await start(
      platform,
      ['steep', 'leaves'],
      new LocalTransport(),
      platform === 'fastify' ? ON_FASTIFY : ON_EXPRESS,
    );
    hosts.push(extra);
    const response = await fetch(`http://127.0.0.1:${extra.port}/steep`);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-encoding')).not.toBeNull();
    expect(await response.json()).toEqual({ steep: true });
    const cookie = await fetch(`http://127.0.0.1:${extra.port}/steep/cookie`, { headers: { cookie: 'tea=assam' } });
    expect(await cookie.json()).toEqual({ tea: 'assam' });
    const form = await fetch(`http://127.0.0.1:${extra.port}/steep/free`, {
      method: 'POST',
      body: new URLSearchParams({ a: '1' }),
    });
    expect(form.status).toBe(platform === 'express' ? 201 : 415);
  });

  it('ends event streams when the host drains, so that their clients go elsewhere', async () => {
    const extra = await start(platform, ['steep', 'leaves'], new LocalTransport());
    hosts.push(extra);
    const response = await open(`http://127.0.0.1:${extra.port}`, '/steep/events');
    const [first] = (await once(response, 'data')) as [Buffer];
    const rest = text(response);
    const startedAt = performance.now();
    await extra.close();
    expect(performance.now() - startedAt).toBeLessThan(DRAIN_TIMEOUT_MS);
    expect(`${String(first)}${await rest}`).not.toContain('event: error');
  });
});

it('stops the start for a platform that there is not', async () => {
  await expect(testModule(LeavesModule, { platform: 'koa' as PlatformName })).rejects.toMatchObject({
    code: 'fledge.startup.platform',
    message: 'the application says platform: "koa"',
  });
});

it('gives a module that is tested alone its platform', async () => {
  const test = await testModule(LeavesModule, { platform: 'express' });
  expect(test.app.getHttpAdapter().getType()).toBe('express');
  await test.close();
});
