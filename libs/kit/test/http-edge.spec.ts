import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { type Application, Host, LocalTransport, type PlatformName, type Transport } from '@fledge/kit';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { Logger } from '@nestjs/common';
import { KioskContract, KioskModule, PapersContract, PapersModule, seen } from './http-edge/kiosk.module.js';

Logger.overrideLogger(false);

const REQUEST_TIMEOUT_MS = 400;

const application = (platform: PlatformName): Application => ({
  name: 'kiosk',
  platform,
  modules: [
    { contract: KioskContract, load: () => Promise.resolve(KioskModule) },
    { contract: PapersContract, load: () => Promise.resolve(PapersModule) },
  ],
});

const start = (platform: PlatformName, modules: readonly string[], transport: Transport): Promise<Host> =>
  new Host({
    application: application(platform),
    modules,
    transport,
    http: { port: 0, requestTimeoutMs: REQUEST_TIMEOUT_MS },
    logger: false,
  }).start();

const PLATFORMS: readonly PlatformName[] = ['fastify', 'express'];
const PLACES = ['in one process', 'as services behind the front door'] as const;

describe.each(PLATFORMS.flatMap((platform) => PLACES.map((place) => [platform, place] as const)))(
  'the edge on %s, %s',
  (platform, place) => {
    const hosts: Host[] = [];
    let door: FrontDoor | undefined;
    let port: number;

    beforeAll(async () => {
      if (place === 'in one process') {
        hosts.push(await start(platform, ['kiosk', 'papers'], new LocalTransport()));
        port = hosts[0]?.port as number;
        return;
      }
      const namespace = `kiosk${randomBytes(4).toString('hex')}`;
      for (const module of ['papers', 'kiosk'])
        hosts.push(await start(platform, [module], new NatsTransport({ url: testNatsUrl(), namespace })));
      door = await frontDoor({ port: 0, routes: new Map([['/kiosk', [`http://127.0.0.1:${hosts[1]?.port}`]]]) });
      await door.whenReady(5_000);
      port = door.port;
    });
    afterAll(async () => {
      await door?.close();
      for (const host of hosts) await host.close();
    });

    const ask = async (path: string, init?: RequestInit) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return { status: response.status, body: (await response.json()) as unknown, headers: response.headers };
    };
    const post = (path: string, body: unknown) =>
      ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

    /** Sends lines as they are; resolves with the answer as soon as it has a status and a body. */
    const raw = async (lines: readonly string[], body = ''): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      let answer = '';
      socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
      socket.on('error', () => undefined);
      socket.write([...lines, '', body].join('\r\n'));
      await eventually(() => expect(answer).toMatch(/^HTTP\/1\.1 \d{3} [^]*\r\n\r\n/), 'an answer');
      socket.destroy();
      return answer;
    };
    const statusOf = (answer: string): number => Number(answer.slice(9, 12));

    // It was a 500: class-validator asked the value for the name of its constructor.
    it.each<object>([
      { paperIds: { constructor: { name: { toString: 1 } } } },
      { paperIds: [{ constructor: { name: { toString: 1 } } }] },
      { paperIds: { toString: 1 } },
      { constructor: { name: 1 }, paperIds: [] },
    ])('refuses names that every object has: %j', async (body) => {
      expect(await post('/kiosk', body)).toMatchObject({
        status: 400,
        body: { code: 'fledge.invalid-request', violations: [{ rule: 'reserved-name' }] },
      });
      if (!Object.hasOwn(body, 'constructor')) expect((await post('/kiosk/loose', body)).status).toBe(400);
    });

    // The front door dropped every header that `Connection` named; one process saw them.
    it('keeps a header that Connection names', async () => {
      const answer = await raw(
        [
          'POST /kiosk/headers HTTP/1.1',
          'Host: a',
          'Connection: Authorization, Content-Type, Idempotency-Key, X-Own',
          'Authorization: Bearer x',
          'Content-Type: application/json',
          'Idempotency-Key: k',
          'X-Own: o',
          'Content-Length: 2',
        ],
        '{}',
      );
      expect(answer).toContain('{"authorization":"Bearer x","key":"k","type":"application/json","own":"o"}');
    });

    // A split waited for the body first, and so did Express; one process on Fastify answered.
    it('does not wait for the body of a GET', async () => {
      const answer = await raw(['GET /kiosk HTTP/1.1', 'Host: a', 'Content-Type: text/css', 'Content-Length: 9']);
      expect(statusOf(answer)).toBe(200);
    });

    // `*` was a 404 of the process and one of a service; `ftp://` was passed on.
    it.each(['*', 'ftp://a.example/kiosk', 'kiosk', 'urn:kiosk'])('refuses the target %s', async (target) => {
      const answer = await raw([`GET ${target} HTTP/1.1`, 'Host: a']);
      expect(statusOf(answer)).toBe(400);
      if (answer.includes('"code"')) expect(answer).toContain('"code":"fledge.bad-request"');
    });

    // Node dropped headers beyond 2,000 without a word.
    it('takes 2,000 headers, and refuses more', async () => {
      const head = ['GET /kiosk HTTP/1.1', 'Host: a'];
      const many = (count: number): string[] => Array.from({ length: count }, () => 'a:b');
      expect(statusOf(await raw([...head, ...many(1_999)]))).toBe(200);
      const refused = await raw([...head, ...many(2_000)]);
      expect(statusOf(refused)).toBe(431);
      expect(refused).toContain('more than 2000 headers');
      const long = await raw([...head, `a: ${'x'.repeat(16_384)}`]);
      expect(statusOf(long)).toBe(431);
      expect(statusOf(await raw([...head, `a: ${'x'.repeat(16_000)}`]))).toBe(200);
    });

    // One process never answered; in a split the front door gave up after a minute.
    it('answers a request whose handler does not end with 504, and aborts its signal', async () => {
      const before = seen.aborted;
      const { status, body, headers } = await ask('/kiosk/idle');
      expect([status, body]).toMatchObject([504, { code: 'fledge.deadline-exceeded', data: { outcome: 'unknown' } }]);
      expect(headers.get('x-correlation-id')).toBe((body as { correlationId: string }).correlationId);
      await eventually(() => expect(seen.aborted).toBe(before + 1), 'the abort');
      expect((await ask('/kiosk')).status).toBe(200);
    });

    it('sends headers that protect browsers, and none that opens it to other origins', async () => {
      for (const path of ['/kiosk', '/none', '/healthz']) {
        const { headers } = await ask(path, { headers: { origin: 'https://other.example' } });
        expect(Object.fromEntries(headers)).toMatchObject({
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'SAMEORIGIN',
          'referrer-policy': 'no-referrer',
        });
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    });
  },
);

describe('an admin port', () => {
  const SYSTEM = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'];
  const statuses = (port: number | undefined): Promise<number[]> =>
    Promise.all(SYSTEM.map(async (path) => (await fetch(`http://127.0.0.1:${port}${path}`)).status));
  const hosts: Host[] = [];
  let door: FrontDoor | undefined;
  afterEach(async () => {
    await door?.close();
    door = undefined;
    for (const host of hosts.splice(0)) await host.close();
  });

  it('answers for health and metrics of one process, whose other port does not', async () => {
    const host = await new Host({
      application: application('fastify'),
      modules: ['kiosk', 'papers'],
      transport: new LocalTransport(),
      http: { port: 0, adminPort: 0 },
      logger: false,
    }).start();
    hosts.push(host);
    expect(await statuses(host.adminPort)).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(host.port)).toEqual([404, 404, 404, 404, 404]);
    expect((await fetch(`http://127.0.0.1:${host.port}/kiosk`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${host.adminPort}/kiosk`)).status).toBe(404);
  });

  it('of a front door answers for all services, which the other port does not', async () => {
    const host = await start('fastify', ['kiosk', 'papers'], new LocalTransport());
    hosts.push(host);
    door = await frontDoor({
      port: 0,
      adminPort: 0,
      routes: new Map([['/kiosk', [`http://127.0.0.1:${host.port}`]]]),
    });
    await door.whenReady(5_000);
    // each service has its own metrics
    expect(await statuses(door.adminPort)).toEqual([200, 200, 404, 200, 200]);
    expect(await statuses(door.port)).toEqual([404, 404, 404, 404, 404]);
    expect((await fetch(`http://127.0.0.1:${door.port}/kiosk`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${door.adminPort}/kiosk`)).status).toBe(404);
  });
});
