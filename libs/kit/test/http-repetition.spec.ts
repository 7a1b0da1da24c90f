import { randomBytes, randomUUID } from 'node:crypto';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { type Application, Host, LocalTransport, type PlatformName, type Transport } from '@fledge/kit';
import { eventually, type FreshDatabase, freshDatabase, testModule, testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { during, LooseModule, StampsContract, StampsModule } from './http-edge/stamps.module.js';

Logger.overrideLogger(false);

const application = (platform: PlatformName): Application => ({
  name: 'stamps',
  platform,
  modules: [{ contract: StampsContract, load: () => Promise.resolve(StampsModule) }],
});

/** The front door and the test are on this machine. */
const PROXIES = ['127.0.0.0/8', '10.0.0.0/8'];
const PLATFORMS: readonly PlatformName[] = ['fastify', 'express'];
const PLACES = ['in one process', 'on two replicas behind the front door'] as const;

describe.each(PLATFORMS.flatMap((platform) => PLACES.map((place) => [platform, place] as const)))(
  'requests that are sent again, on %s, %s',
  (platform, place) => {
    const hosts: Host[] = [];
    let door: FrontDoor | undefined;
    let database: FreshDatabase;
    let origin: string;

    const start = async (transport: Transport): Promise<string> => {
      const host = new Host({
        application: application(platform),
        modules: ['stamps'],
        transport,
        database: { url: database.url, poolMax: 5 },
        http: { port: 0, trustedProxies: PROXIES },
        logger: false,
      });
      hosts.push(await host.start());
      return `http://127.0.0.1:${host.port}`;
    };

    beforeAll(async () => {
      database = await freshDatabase();
      if (place === 'in one process') {
        origin = await start(new LocalTransport());
        return;
      }
      const namespace = `stamps${randomBytes(4).toString('hex')}`;
      const nats = (): Transport => new NatsTransport({ url: testNatsUrl(), namespace });
      door = await frontDoor({
        port: 0,
        routes: new Map([['/stamps', [await start(nats()), await start(nats())]]]),
        trustedProxies: PROXIES,
      });
      await door.whenReady(5_000);
      origin = `http://127.0.0.1:${door.port}`;
    });
    afterAll(async () => {
      await door?.close();
      for (const host of hosts) await host.close();
      await database.drop();
    });
    afterEach(() => {
      during.handle = () => Promise.resolve();
    });

    const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET', body?: unknown) => {
      const response = await fetch(origin + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return {
        status: response.status,
        body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
        headers: response.headers,
      };
    };
    const post = (path: string, key: string | undefined, body: unknown, user?: string) =>
      ask(
        path,
        { ...(key !== undefined && { 'idempotency-key': key }), ...(user !== undefined && { 'x-user': user }) },
        'POST',
        body,
      );
    const count = async (): Promise<unknown> => (await ask('/stamps/count')).body?.count;

    it.each([
      ['/stamps', 201],
      ['/stamps/within', 202],
    ])('%s gives the answer of the first, and does nothing again', async (path, status) => {
      const key = randomUUID();
      const first = await post(path, key, { value: 1 }, 'ann');
      expect(first.status).toBe(status);
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      const before = await count();
      for (let i = 0; i < 3; i++) {
        const again = await post(path, key, { value: 1 }, 'ann');
        expect([again.status, again.body]).toEqual([status, first.body]);
        expect(again.headers.get('idempotency-replayed')).toBe('true');
      }
      expect(await count()).toBe(before);
      expect((await post(path, randomUUID(), { value: 1 }, 'ann')).body).not.toEqual(first.body);
    });

    // An order with another payment method was answered with the first order.
    it('refuses another body or another target with 422', async () => {
      const key = randomUUID();
      await post('/stamps', key, { value: 1 }, 'ann');
      for (const other of [
        await post('/stamps', key, { value: 2 }, 'ann'),
        await post('/stamps/within', key, { value: 1 }, 'ann'),
      ])
        expect(other).toMatchObject({ status: 422, body: { code: 'fledge.idempotency-key-reused' } });
    });

    it('keeps the keys of users apart, and those of nobody by their content', async () => {
      const key = randomUUID();
      const ids = new Set<unknown>();
      for (const user of ['ann', 'bob', undefined]) ids.add((await post('/stamps', key, { value: 1 }, user)).body?.id);
      ids.add((await post('/stamps', key, { value: 2 })).body?.id);
      expect(ids.size).toBe(4);
      expect((await post('/stamps', key, { value: 1 })).headers.get('idempotency-replayed')).toBe('true');
    });

    it('refuses a repetition with 409 while the first runs', async () => {
      const key = randomUUID();
      let end = (): void => undefined;
      let begun = false;
      during.handle = () => {
        begun = true;
        return new Promise((resolve) => (end = resolve));
      };
      const first = post('/stamps', key, { value: 1 }, 'ann');
      await eventually(() => expect(begun).toBe(true), 'the first runs');
      const second = await post('/stamps', key, { value: 1 }, 'ann');
      expect(second).toMatchObject({ status: 409, body: { code: 'fledge.request-in-flight' } });
      expect(second.headers.get('retry-after')).toBe('1');
      end();
      const { body } = await first;
      expect((await post('/stamps', key, { value: 1 }, 'ann')).body).toEqual(body);
    });

    it('runs one of many that come at once', async () => {
      const before = (await count()) as number;
      const key = randomUUID();
      const all = await Promise.all(Array.from({ length: 8 }, () => post('/stamps/within', key, { value: 1 }, 'ann')));
      expect(all.filter(({ status }) => status !== 202 && status !== 409)).toEqual([]);
      expect(await count()).toBe(before + 1);
    });

    it('stores no errors, so that a request may be corrected, and rolls back what is in a transaction', async () => {
      const key = randomUUID();
      const before = (await count()) as number;
      expect((await post('/stamps', key, { value: 'x' }, 'ann')).status).toBe(400);
      expect((await post('/stamps/within', key, { value: 1, failure: 1 }, 'ann')).status).toBe(500);
      expect(await count()).toBe(before);
      expect((await post('/stamps', key, { value: 1, failure: 1 }, 'ann')).status).toBe(400);
      expect((await post('/stamps', key, { value: 1 }, 'ann')).status).toBe(201);
    });

    it('runs again what a process that ended has left without an answer, and forgets a key after its time', async () => {
      const key = randomUUID();
      const first = await post('/stamps', key, { value: 1 }, 'ann');
      const client = new Client({ connectionString: database.url });
      await client.connect();
      try {
        const set = (what: string): Promise<unknown> =>
          client.query(`update stamps.fledge_idempotency set ${what} where key = $1`, [key]);
        await set("status = null, claimed_until = clock_timestamp() + interval '1 h'");
        expect((await post('/stamps', key, { value: 1 }, 'ann')).status).toBe(409);
        await set("claimed_until = clock_timestamp() - interval '1 s'");
        expect((await post('/stamps', key, { value: 2 }, 'ann')).status).toBe(422);
        const second = await post('/stamps', key, { value: 1 }, 'ann');
        expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([201, null]);
        expect(second.body).not.toEqual(first.body);
        await set("expires_at = clock_timestamp() - interval '1 s'");
        expect((await post('/stamps', key, { value: 2 }, 'ann')).status).toBe(201);
      } finally {
        await client.end();
      }
    });

    it('requires a key where the route says so, and refuses one that is none', async () => {
      expect((await post('/stamps', undefined, { value: 1 })).status).toBe(201);
      for (const [path, key] of [
        ['/stamps/within', undefined],
        ['/stamps/within', 'k'.repeat(201)],
        ['/stamps', ''],
        ['/stamps', 'ü'],
      ] as const)
        expect(await post(path, key, { value: 1 })).toMatchObject({
          status: 400,
          body: { violations: [{ path: 'Idempotency-Key' }] },
        });
    });

    it('lets a user send so many requests to all replicas, and says how many are left', async () => {
      const user = { 'x-user': randomUUID() };
      const answers = [];
      for (let i = 0; i < 5; i++) answers.push(await ask('/stamps/limited/user', user));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
      expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"user";q=3;w=60');
      expect(answers[0]?.headers.get('ratelimit')).toMatch(/^"user";r=2;t=(?:60|[1-5]\d)$/);
      expect(answers[3]?.headers.get('ratelimit')).toMatch(/^"user";r=0;t=\d+$/);
      expect(answers[3]?.body).toMatchObject({ code: 'fledge.rate-limited', status: 429 });
      expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await ask('/stamps/limited/user', { 'x-user': randomUUID() })).status).toBe(200);
      expect((await ask('/stamps/limited/user')).status).toBe(200);
    });

    it('counts by the address that a trusted proxy names, and by no other', async () => {
      const from = (address: string): Promise<number> =>
        ask('/stamps/limited/address', { 'x-forwarded-for': address }).then(({ status }) => status);
      for (const status of [200, 200, 200, 429]) expect(await from('203.0.113.7')).toBe(status);
      // what is before the last address that no proxy has is the client's own text
      expect(await from('198.51.100.1, 203.0.113.7')).toBe(429);
      expect(await from('203.0.113.7, 10.1.2.3')).toBe(429);
      expect(await from('203.0.113.7, 198.51.100.2')).toBe(200);
    });

    it('begins a new window after the time of the last', async () => {
      expect((await ask('/stamps/limited/short')).status).toBe(200);
      await eventually(async () => expect((await ask('/stamps/limited/short')).status).toBe(429), 'a refusal');
      await eventually(async () => expect((await ask('/stamps/limited/short')).status).toBe(200), 'the next window');
    });

    it('answers a read of a version that the client has with 304, without a body', async () => {
      const { headers, body } = await ask('/stamps/first');
      const etag = headers.get('etag') as string;
      expect(etag).toBe(`"${String(body?.version)}"`);
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const again = await ask('/stamps/first', { 'if-none-match': known });
        expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, undefined, etag]);
      }
      expect((await ask('/stamps/first', { 'if-none-match': '"x"' })).status).toBe(200);
    });

    // Two people who had read the same version changed it, and the second overwrote the first without knowing.
    it('refuses a change of a version that is no longer the current one with 412', async () => {
      const etag = (await ask('/stamps/first')).headers.get('etag') as string;
      const change = (value: number, tags?: string) =>
        ask('/stamps/first', tags === undefined ? {} : { 'if-match': tags }, 'PATCH', { value });
      const both = await Promise.all([change(1, etag), change(2, etag)]);
      expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
      expect(await change(3, etag)).toMatchObject({ status: 412, body: { code: 'fledge.precondition-failed' } });
      const current = (await ask('/stamps/first')).headers.get('etag') as string;
      expect((await change(3, `W/${current}`)).status).toBe(412);
      expect((await change(3, 'x')).status).toBe(400);
      const changed = await change(3, `"x", ${current}`);
      expect([changed.status, changed.body?.value]).toEqual([200, 3]);
      expect(changed.headers.get('etag')).not.toBe(current);
      expect((await change(4, '*')).status).toBe(200);
      expect((await change(5)).status).toBe(200);
    });
  },
);

it('@Idempotent stops the start of a module that can store no keys', async () => {
  await expect(testModule(LooseModule)).rejects.toMatchObject({ code: 'fledge.startup.idempotent' });
});
