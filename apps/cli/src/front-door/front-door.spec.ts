import { createServer, type IncomingMessage, request as send, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@fledge/kit/testing';
import { type FrontDoor, frontDoor, type FrontDoorOptions } from './index.js';

/** A minimal service: a `/readyz` that can be switched, and one handler for everything else. */
class Service {
  ready = true;
  degraded = false;
  served = 0;
  /** How many requests came while it was frozen. */
  owing = 0;
  /** Pending answers to the requests that came while it was frozen; undefined when it is not frozen. */
  private owed: (() => void)[] | undefined;
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(
    handle: (request: IncomingMessage, response: ServerResponse, service: Service) => void,
  ): Promise<Service> {
    const server = createServer((request, response) => {
      const answer = (): void => {
        if (request.url === '/readyz')
          return void response
            .writeHead(service.ready ? 200 : 503, service.degraded ? { 'x-envoy-degraded': 'true' } : {})
            .end();
        service.served++;
        handle(request, response, service);
      };
      if (!service.owed) return answer();
      service.owed.push(answer);
      if (request.url !== '/readyz') service.owing++;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const service = new Service(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    opened.push(service);
    return service;
  }

  /** Drains: finishes the open requests, then stops listening. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeIdleConnections();
    await closed;
  }

  /** Behaves like a stopped process: connections stay open, and nothing is answered. */
  freeze(): void {
    this.owed ??= [];
  }

  thaw(): void {
    const owed = this.owed ?? [];
    this.owed = undefined;
    for (const answer of owed) answer();
  }

  onUpgrade(handle: (request: IncomingMessage, socket: Duplex) => void): void {
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.unshift(head);
      handle(request, socket);
    });
  }

  /** Behaves like a killed process. */
  kill(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

const opened: Service[] = [];
let door: FrontDoor | undefined;

async function open(
  routes: Record<string, readonly Service[]>,
  options: Pick<FrontDoorOptions, 'trustedProxies'> = {},
): Promise<string> {
  door = await frontDoor({
    ...options,
    port: 0,
    routes: new Map(Object.entries(routes).map(([prefix, services]) => [prefix, services.map((s) => s.url)])),
  });
  await door.whenReady(
    5_000,
    Object.values(routes).flatMap((services) => services.map((s) => s.url)),
  );
  return `http://127.0.0.1:${door.port}`;
}

const named =
  (name: string) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    response.end(name);
  };

afterEach(async () => {
  for (const service of opened) service.thaw();
  await door?.close();
  door = undefined;
  for (const service of opened.splice(0)) service.kill();
});

describe('the front door', () => {
  it('passes on who the client is only from a proxy that is trusted', async () => {
    let forwarded: unknown;
    const echo = await Service.start((request, response) => {
      forwarded = request.headers['x-forwarded-for'];
      response.end();
    });
    const url = await open({ '/': [echo] }, { trustedProxies: ['127.0.0.0/8'] });
    await fetch(url, { headers: { 'x-forwarded-for': '10.0.0.1' } });
    expect(forwarded).toBe('10.0.0.1, 127.0.0.1');
  });

  it('sends each path to the owner of its longest prefix, and an unowned path to any service', async () => {
    const url = await open({
      '/users': [await Service.start(named('identity'))],
      '/users/me/orders': [await Service.start(named('ordering'))],
      '/users/:id/mails': [await Service.start(named('mails'))],
    });
    const owners = await Promise.all(
      [
        '/users',
        '/users?a=/users/me/orders',
        '/users/me',
        '/users/me/orders/7',
        '/users/me/ordersX',
        '/users/7/mails/1',
        '/users/7/mailsX',
      ].map(async (path) => (await fetch(url + path)).text()),
    );
    expect(owners).toEqual(['identity', 'identity', 'identity', 'ordering', 'identity', 'mails', 'identity']);
    expect(['identity', 'ordering', 'mails']).toContain(await (await fetch(`${url}/usersX`)).text());
  });

  it('forwards method, path, headers, body, status and response unchanged, and adds where they came from', async () => {
    let got: IncomingMessage | undefined;
    let body = '';
    const echo = await Service.start((request, response) => {
      got = request;
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () =>
        response
          .writeHead(418, 'Teapot', { 'set-cookie': ['a=1', 'b=2'], 'x-own': 'ü', 'content-type': 'text/plain' })
          .end('short and stout'),
      );
    });
    const url = await open({ '/': [echo] });
    const answer = await fetch(`${url}/a/%C3%BC?x=1&x=2`, {
      method: 'PATCH',
      body: '{"a":1}',
      headers: {
        'x-mine': 'yes',
        'x-forwarded-for': '10.0.0.1',
        'x-forwarded-host': 'other.test',
        'x-forwarded-proto': 'https',
      },
    });
    expect(got).toMatchObject({ method: 'PATCH', url: '/a/%C3%BC?x=1&x=2' });
    expect(body).toBe('{"a":1}');
    const host = new URL(url).host;
    expect(got?.headers).toMatchObject({
      host,
      'x-mine': 'yes',
      'content-length': '7',
      // anyone can send these
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': host,
      'x-forwarded-proto': 'http',
    });
    expect(answer.status).toBe(418);
    expect(answer.statusText).toBe('Teapot');
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await answer.text()).toBe('short and stout');
  });

  it('streams long bodies in both directions', async () => {
    const mirror = await Service.start((request, response) => void request.pipe(response));
    const url = await open({ '/': [mirror] });
    const sent = Buffer.alloc(3_000_000, 'fledge ');
    const answer = await fetch(url, { method: 'POST', body: sent });
    expect(Buffer.from(await answer.arrayBuffer()).equals(sent)).toBe(true);
  });

  it('returns the response of a service that refuses a long body before reading it', async () => {
    const strict = await Service.start((_, response) => void response.writeHead(413).end('too large'));
    const url = await open({ '/': [strict] });
    for (let i = 0; i < 20; i++) {
      const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(1_000_000) });
      expect([answer.status, await answer.text()]).toEqual([413, 'too large']);
    }
  });

  it('alternates between the replicas of a prefix', async () => {
    const replicas = [await Service.start(named('a')), await Service.start(named('b'))];
    const url = await open({ '/x': replicas });
    for (let i = 0; i < 10; i++) await (await fetch(`${url}/x`)).text();
    expect(replicas.map((replica) => replica.served)).toEqual([5, 5]);
  });

  it('fails no request, whatever its method, while one replica drains and another joins', async () => {
    const slow = (request: IncomingMessage, response: ServerResponse): void => {
      request.resume().on('end', () => setTimeout(() => response.end('ok'), 5));
    };
    const [first, second] = [await Service.start(slow), await Service.start(slow)];
    const url = await open({ '/x': [first, second] });
    let running = true;
    const answers = new Map<number, number>();
    const buyer = async (): Promise<void> => {
      while (running) {
        const { status } = await fetch(`${url}/x`, { method: 'POST', body: '{}' });
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    };
    const buyers = Array.from({ length: 8 }, buyer);
    await eventually(() => first.served > 20, 'the first is asked');
    first.ready = false;
    let before = -1;
    // it gets no new requests once a while passes without one
    await eventually(async () => {
      before = first.served;
      await sleep(100);
      return first.served === before;
    }, 'the first is passed over');
    await first.close();
    await door?.remove(first.url);
    const third = await Service.start(slow);
    door?.add(third.url, ['/x']);
    await eventually(() => third.served > 20, 'the third is asked');
    running = false;
    await Promise.all(buyers);
    expect([...answers.keys()]).toEqual([200]);
  });

  it('tries another replica when a connection is refused, even for a POST', async () => {
    const [gone, here] = [await Service.start(named('gone')), await Service.start(named('here'))];
    const url = await open({ '/x': [gone, here] });
    gone.kill();
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(`${url}/x`, { method: 'POST', body: '{}' });
      expect([answer.status, await answer.text()]).toEqual([200, 'here']);
    }
  });

  it('retries a broken GET elsewhere, and reports that a broken POST may have run', async () => {
    const breaking = await Service.start((request) => void request.socket.destroy());
    const sound = await Service.start(named('sound'));
    const url = await open({ '/x': [breaking, sound] });
    for (let i = 0; i < 4; i++) expect(await (await fetch(`${url}/x`)).text()).toBe('sound');
    const posts = await Promise.all([1, 2].map(() => fetch(`${url}/x`, { method: 'POST', body: '{}' })));
    const broken = posts.find((answer) => answer.status === 502);
    expect(broken?.headers.get('content-type')).toContain('application/problem+json');
    expect(await broken?.json()).toMatchObject({
      type: 'urn:problem:fledge.bad-gateway',
      status: 502,
      detail: expect.stringContaining('may have done the work') as string,
    });
    expect(posts.map((answer) => answer.status).sort()).toEqual([200, 502]);
  });

  it('cuts off a response that its service cuts off', async () => {
    const half = await Service.start((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => response.socket?.destroy());
    });
    const url = await open({ '/x': [half] });
    await expect(fetch(`${url}/x`).then((answer) => answer.text())).rejects.toThrow();
  });

  it('lets the service know that its client has disconnected', async () => {
    let left = false;
    const patient = await Service.start(
      (_, response) => void response.on('close', () => (left = !response.writableFinished)),
    );
    const url = await open({ '/x': [patient] });
    const request = send(`${url}/x`).on('error', () => undefined);
    request.end();
    await eventually(() => patient.served === 1, 'the request is served');
    request.destroy();
    await eventually(() => left, 'the service sees that its client left');
  });

  it('answers 503 with a problem when no replica is ready, and serves again as soon as one is', async () => {
    const only = await Service.start(named('only'));
    const url = await open({ '/x': [only] });
    only.ready = false;
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 503, 'nobody is ready');
    const answer = await fetch(`${url}/x`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({
      code: 'fledge.unavailable',
      title: 'Unavailable',
      status: 503,
      correlationId: expect.any(String) as string,
    });
    expect(door?.uncovered).toEqual(['/x']);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    only.ready = true;
    await door?.whenReady(5_000);
    expect((await fetch(`${url}/x`)).status).toBe(200);
  });

  // It was still chosen as often as its neighbour, and a request waited for it for a minute.
  it('skips a replica that stops answering, moves what is safe to repeat, and takes it back later', async () => {
    const [frozen, sound] = [await Service.start(named('frozen')), await Service.start(named('sound'))];
    const url = await open({ '/x': [frozen, sound] });
    frozen.freeze();
    const gets = Array.from({ length: 6 }, async () => (await fetch(`${url}/x`)).text());
    expect(await Promise.all(gets)).toEqual(Array(6).fill('sound'));
    const owedBefore = frozen.owing;
    for (let i = 0; i < 6; i++)
      expect(await (await fetch(`${url}/x`, { method: 'POST', body: '{}' })).text()).toBe('sound');
    expect(frozen.owing).toBe(owedBefore);
    expect(door?.uncovered).toEqual([]);
    frozen.thaw();
    await eventually(async () => (await (await fetch(`${url}/x`)).text()) === 'frozen', 'it is asked again');
  }, 15_000);

  it('does not resend a write that waits for a silent replica', async () => {
    const [frozen, sound] = [await Service.start(named('frozen')), await Service.start(named('sound'))];
    const url = await open({ '/x': [frozen, sound] });
    frozen.freeze();
    const posts = [1, 2].map(async () => (await fetch(`${url}/x`, { method: 'POST', body: '{}' })).text());
    expect(await Promise.race(posts)).toBe('sound');
    // a read that was sent with it has been moved, so the write would have been too
    const gets = [1, 2].map(async () => (await fetch(`${url}/x`)).text());
    expect(await Promise.all(gets)).toEqual(['sound', 'sound']);
    frozen.thaw();
    expect((await Promise.all(posts)).sort()).toEqual(['frozen', 'sound']);
  }, 15_000);

  it('waits for a silent replica when there is no other, because it may only be busy', async () => {
    const only = await Service.start(named('only'));
    const url = await open({ '/x': [only] });
    only.freeze();
    const first = fetch(`${url}/x`);
    const since = Date.now();
    await eventually(() => Date.now() - since > 2_500, 'the limit of a look is over');
    const second = fetch(`${url}/x`);
    await eventually(() => only.owing === 2, 'both requests wait');
    only.thaw();
    expect([await (await first).text(), await (await second).text()]).toEqual(['only', 'only']);
  }, 15_000);

  it('prefers fully working replicas to degraded ones, and uses those when there are no others', async () => {
    const [degraded, sound] = [await Service.start(named('degraded')), await Service.start(named('sound'))];
    degraded.degraded = true;
    const url = await open({ '/x': [degraded, sound] });
    const answers = async (): Promise<Set<string>> =>
      new Set(await Promise.all(Array.from({ length: 6 }, async () => (await fetch(`${url}/x`)).text())));
    expect(await answers()).toEqual(new Set(['sound']));
    sound.ready = false;
    await eventually(async () => (await (await fetch(`${url}/x`)).text()) === 'degraded', 'the degraded one is asked');
    expect(await answers()).toEqual(new Set(['degraded']));
    degraded.degraded = false;
    sound.ready = true;
    await eventually(async () => (await answers()).size === 2, 'both are asked');
  });

  it('moves a prefix to other services while requests run', async () => {
    const [whole, part] = [await Service.start(named('whole')), await Service.start(named('part'))];
    const url = await open({ '/x': [whole], '/y': [whole] });
    door?.add(part.url, ['/x']);
    await door?.whenReady(5_000, [part.url]);
    await door?.remove(whole.url);
    expect(await (await fetch(`${url}/x`)).text()).toBe('part');
    expect((await fetch(`${url}/y`)).status).toBe(503);
  });

  it('merges the OpenAPI documents of all services', async () => {
    const describing =
      (document: unknown) =>
      (_: IncomingMessage, response: ServerResponse): void =>
        void response.end(JSON.stringify(document));
    const a = await Service.start(
      describing({
        openapi: '3.0.0',
        info: { title: 'shop' },
        paths: { '/a': {} },
        components: { schemas: { A: {} }, securitySchemes: { bearer: {} } },
        tags: [{ name: 'a' }],
      }),
    );
    const b = await Service.start(
      describing({
        openapi: '3.0.0',
        info: { title: 'shop' },
        paths: { '/b': {} },
        components: { schemas: { B: {} } },
        tags: [{ name: 'b' }, { name: 'a' }],
      }),
    );
    const url = await open({ '/a': [a], '/b': [b] });
    expect(await (await fetch(`${url}/openapi.json`)).json()).toEqual({
      openapi: '3.0.0',
      info: { title: 'shop' },
      paths: { '/a': {}, '/b': {} },
      components: { schemas: { A: {}, B: {} }, securitySchemes: { bearer: {} } },
      tags: [{ name: 'a' }, { name: 'b' }],
    });
  });

  // they were 200, and 404 for metrics, but 405 in one process
  it('does not cut a stream of events that is silent for longer than a request may be', async () => {
    const silent: ServerResponse[] = [];
    const service = await Service.start((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      silent.push(response);
    });
    door = await frontDoor({ port: 0, requestTimeoutMs: 200, routes: new Map([['/events', [service.url]]]) });
    await door.whenReady(5_000);
    const url = `http://127.0.0.1:${door.port}/events`;
    const events = (await fetch(url, { headers: { accept: 'text/event-stream' } })).text();
    await eventually(() => silent.length === 1, 'the stream is open');
    // it is cut when its time is up, and so the other's time is up as well
    await expect((await fetch(url)).text()).rejects.toThrow();
    silent[0]?.end('data: 2\n\n');
    expect(await events).toBe('data: 1\n\ndata: 2\n\n');
  });

  it.each(['/healthz', '/readyz', '/openapi.json', '/metrics'])(
    'allows only reads of its own paths: %s',
    async (path) => {
      const answer = await fetch(`${await open({})}${path}`, { method: 'POST' });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    },
  );

  describe('asked for a WebSocket', () => {
    const handshake = async (url: string): Promise<string> => {
      const { port } = new URL(url);
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(
        'GET /bells HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Bell: 1\r\n\r\nding',
      );
      return text(socket);
    };

    it('passes the bytes of both sides on until one ends', async () => {
      const service = await Service.start(named('bells'));
      let headers: IncomingMessage['headers'] = {};
      service.onUpgrade((request, socket) => {
        ({ headers } = request);
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Tower: 1\r\n\r\n',
        );
        socket.once('data', (data: Buffer) => socket.end(`${data.toString()} dong`));
      });
      const answer = await handshake(await open({ '/bells': [service] }));
      expect(answer).toBe(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Tower: 1\r\n\r\nding dong',
      );
      expect(headers).toMatchObject({
        host: 'a',
        upgrade: 'websocket',
        'x-bell': '1',
        'x-forwarded-for': expect.stringContaining('127.0.0.1') as string,
      });
    });

    it("passes a service's refusal on", async () => {
      const service = await Service.start((_request, response) => void response.writeHead(401).end('who?'));
      expect(await handshake(await open({ '/bells': [service] }))).toMatch(/^HTTP\/1\.1 401 [^]*who\?/);
    });

    it('tries another replica if one cannot be reached, and refuses if none can', async () => {
      const [dead, sound] = [await Service.start(named('dead')), await Service.start(named('sound'))];
      sound.onUpgrade((_request, socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'),
      );
      const url = await open({ '/bells': [dead, sound] });
      dead.kill();
      const both = [await handshake(url), await handshake(url)];
      for (const answer of both) expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      sound.kill();
      expect(await handshake(url)).toMatch(/^HTTP\/1\.1 503 [^]*fledge\.unavailable/);
    });
  });

  it('names the port that it cannot listen on', async () => {
    const url = await open({});
    await expect(frontDoor({ port: Number(new URL(url).port) })).rejects.toMatchObject({
      code: 'fledge.startup.port',
      message: `port ${new URL(url).port} on 127.0.0.1 is in use`,
    });
  });
});
