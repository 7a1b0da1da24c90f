import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import {
  type Application,
  BoundedModule,
  Host,
  LocalTransport,
  type NestHooks,
  type PlatformName,
  type Transport,
} from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { eventually, testApplication, testModule, testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { Logger, type Type } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway } from '@nestjs/websockets';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { ChatContract, ChatModule, NamesContract, NamesModule, seen } from './gateways/chat.module.js';

Logger.overrideLogger(false);

const DRAIN_TIMEOUT_MS = 10_000;

/** A client of either library, as the tests use it. */
interface Client {
  readonly messages: { readonly event: string; readonly data: unknown }[];
  send(event: string, data?: unknown): void;
  /** Resolves with why the connection ended. */
  readonly closed: Promise<string>;
  close(): void;
}

type Library = 'ws' | 'socket.io' | 'socket.io, polling';
type Headers = Record<string, string>;

const ADAPTERS: Readonly<Record<Library, NestHooks>> = {
  ws: { beforeInit: (app) => void app.useWebSocketAdapter(new WsAdapter(app)) },
  'socket.io': {},
  'socket.io, polling': {},
};

async function openWs(origin: string, headers: Headers): Promise<Client> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/chat/room`, { headers });
  const messages: Client['messages'] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Client['messages'][number]));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').then(([code]) => String(code));
  await Promise.race([once(socket, 'open'), closed]);
  return {
    messages,
    closed,
    send: (event, data) => socket.send(JSON.stringify({ event, data })),
    close: () => socket.close(),
  };
}

async function openSocketIo(origin: string, headers: Headers, transport: 'websocket' | 'polling'): Promise<Client> {
  const socket: Socket = io(origin, {
    path: '/chat/room',
    transports: [transport],
    extraHeaders: headers,
    reconnection: false,
    forceNew: true,
  });
  const messages: Client['messages'] = [];
  socket.onAny((event: string, data: unknown) => messages.push({ event, data }));
  const closed = new Promise<string>((resolve) => socket.once('disconnect', (reason) => resolve(reason)));
  await new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('connect_error', reject);
  });
  return {
    messages,
    closed,
    send: (event, data) => void socket.emit(event, data),
    close: () => void socket.close(),
  };
}

function open(library: Library, origin: string, headers: Headers): Promise<Client> {
  if (library === 'ws') return openWs(origin, headers);
  return openSocketIo(origin, headers, library === 'socket.io' ? 'websocket' : 'polling');
}

const application = (platform: PlatformName, library: Library): Application => ({
  name: 'chat',
  platform,
  nest: ADAPTERS[library],
  modules: [
    { contract: ChatContract, load: () => Promise.resolve(ChatModule) },
    { contract: NamesContract, load: () => Promise.resolve(NamesModule) },
  ],
});

function start(platform: PlatformName, library: Library, modules: readonly string[], transport: Transport) {
  return new Host({
    application: application(platform, library),
    modules,
    transport,
    http: { port: 0 },
    drain: { timeoutMs: DRAIN_TIMEOUT_MS },
    logger: false,
  }).start();
}

describe.each<[PlatformName, Library]>([
  ['fastify', 'ws'],
  ['fastify', 'socket.io'],
  ['fastify', 'socket.io, polling'],
  ['express', 'ws'],
  ['express', 'socket.io'],
])('gateways on %s with %s', (platform, library) => {
  const hosts: Host[] = [];
  const clients: Client[] = [];
  const doors: FrontDoor[] = [];
  let origins: Readonly<Record<string, string>>;

  beforeAll(async () => {
    const namespace = `chat${randomBytes(4).toString('hex')}`;
    const nats = (): NatsTransport => new NatsTransport({ url: testNatsUrl(), namespace });
    hosts.push(await start(platform, library, ['chat', 'names'], new LocalTransport()));
    hosts.push(await start(platform, library, ['names'], nats()));
    hosts.push(await start(platform, library, ['chat'], nats()));
    const door = await frontDoor({ port: 0, routes: new Map([['/chat', [`http://127.0.0.1:${hosts[2]?.port}`]]]) });
    doors.push(door);
    await door.whenReady(5_000);
    origins = {
      'in one process': `http://127.0.0.1:${hosts[0]?.port}`,
      'through the front door': `http://127.0.0.1:${door.port}`,
    };
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    for (const door of doors) await door.close();
    for (const host of hosts) await host.close();
  });

  const connectTo = async (origin: string, headers: Headers = {}): Promise<Client> => {
    const client = await open(library, origin, headers);
    clients.push(client);
    return client;
  };
  const answer = async (client: Client, event: string, data?: unknown): Promise<{ event: string; data: unknown }> => {
    const before = client.messages.length;
    client.send(event, data);
    await eventually(() => expect(client.messages.length).toBeGreaterThan(before), `an answer to ${event}`);
    return client.messages[before] as { event: string; data: unknown };
  };

  describe.each(['in one process', 'through the front door'])('%s', (way) => {
    const opened = (headers?: Headers): Promise<Client> => connectTo(origins[way] as string, headers);

    it('carries messages both ways, and calls other modules with the identity of a guard', async () => {
      const client = await opened({ 'x-user': 'mia' });
      expect(await answer(client, 'name', 'tea')).toEqual({ event: 'name', data: 'tea for mia' });
      expect(await answer(await opened(), 'name', 'tea')).toEqual({ event: 'name', data: 'tea for nobody' });
    });

    it('runs each message in a context of its own', async () => {
      const client = await opened();
      const [a, b] = [await answer(client, 'context'), await answer(client, 'context')];
      expect(a.data).toMatchObject({ caller: 'ws', correlationId: expect.stringMatching(/^[0-9a-f]{32}$/) });
      expect((b.data as { correlationId: string }).correlationId).not.toBe(
        (a.data as { correlationId: string }).correlationId,
      );
    });

    it('lets handleConnection say who acts on the connection, and @Roles and @CurrentUser see it', async () => {
      expect(await answer(await opened({ 'x-member': 'zoe' }), 'me')).toEqual({ event: 'me', data: 'zoe' });
      expect(await answer(await opened({ 'x-user': 'tom' }), 'me')).toMatchObject({
        event: 'exception',
        data: { status: 'error', code: 'fledge.forbidden' },
      });
    });

    it.each<[string, string, unknown, object]>([
      ['a WsException', 'refuse', undefined, { message: 'not today' }],
      ['a fault', 'break', 'it', { message: 'Internal server error', cause: { pattern: 'break', data: 'it' } }],
      [
        'validation',
        'roll',
        { sides: 'x' },
        { code: 'fledge.invalid-request', violations: [expect.objectContaining({ path: 'sides' })] },
      ],
      ['a spent deadline of a call', 'name', 'late', { code: 'fledge.deadline-exceeded' }],
      ['no user', 'me', undefined, { code: 'fledge.unauthenticated' }],
    ])('tells the client of %s', async (_what, event, data, told) => {
      const got = await answer(await opened(), event, data);
      expect(got).toMatchObject({ event: 'exception', data: { status: 'error', ...told } });
      expect(JSON.stringify(got)).not.toContain('secret');
    });

    it.each<Headers>([{ 'x-user': 'banned' }, { 'x-broken': 'yes' }])(
      'ends a connection whose handleConnection fails, and tells why: %j',
      async (headers) => {
        const client = await opened(headers);
        await client.closed;
        expect(client.messages).toEqual([
          {
            event: 'exception',
            data: expect.objectContaining({
              message: 'x-user' in headers ? 'you are banned' : 'Internal server error',
            }) as object,
          },
        ]);
      },
    );

    it('streams in the context of its message until the client goes, and notices that it has gone', async () => {
      const before = seen.disconnections.length;
      const client = await opened();
      client.send('count');
      await eventually(() => expect(client.messages.length).toBeGreaterThan(2), 'numbers');
      expect(client.messages[1]).toEqual({ event: 'count', data: { n: 1, by: 'ws' } });
      client.close();
      await eventually(() => expect(seen.disconnections.slice(before)).toEqual(['ws']), 'the end');
    });

    it('serves the routes of the module beside it', async () => {
      const response = await fetch(`${origins[way]}/chat/none`);
      expect([response.status, response.headers.get('content-type')]).toEqual([
        404,
        expect.stringContaining('application/problem+json'),
      ]);
    });
  });

  it('ends connections when the host drains, after the messages in progress, so that clients go elsewhere', async () => {
    const extra = await start(platform, library, ['chat', 'names'], new LocalTransport());
    hosts.push(extra);
    const direct = await connectTo(`http://127.0.0.1:${extra.port}`);
    const behind = await frontDoor({ port: 0, routes: new Map([['/chat', [`http://127.0.0.1:${extra.port}`]]]) });
    doors.push(behind);
    await behind.whenReady(5_000);
    const through = await connectTo(`http://127.0.0.1:${behind.port}`);
    const before = seen.running;
    direct.send('slow');
    await eventually(() => expect(seen.running).toBe(before + 1), 'it runs');
    const startedAt = performance.now();
    const closed = extra.close();
    await new Promise((resolve) => setImmediate(resolve));
    seen.finish();
    const reasons = await Promise.all([direct.closed, through.closed]);
    await closed;
    expect(performance.now() - startedAt).toBeLessThan(DRAIN_TIMEOUT_MS);
    expect(direct.messages).toEqual([{ event: 'slow', data: 'done' }]);
    // after either of the latter, a client of Socket.IO connects again
    for (const reason of reasons) expect(reason).toMatch(library === 'ws' ? /^1001$/ : /^transport (close|error)$/);
  });
});

it('reaches gateways through the server of an application under test, as services', async () => {
  // loading it takes long, and a connection to a broker that begins meanwhile is taken for a dead one
  await import('@nestjs/testing');
  const app = await testApplication(
    { ...application('fastify', 'ws'), access: 'open' },
    {
      topology: { transport: 'nats', services: { front: { modules: ['chat'] }, back: { modules: ['names'] } } },
      logger: false,
    },
  ).start();
  try {
    const client = await openWs(app.url, { 'x-user': 'mia' });
    client.send('name', 'tea');
    await eventually(() => expect(client.messages).toEqual([{ event: 'name', data: 'tea for mia' }]), 'the answer');
  } finally {
    await app.close();
  }
});

const hooks = (library: Library): NestHooks[] => [ADAPTERS[library]];

function gatewayOf(path: string | undefined, port = 0): Type {
  const gateway = class Bell {};
  WebSocketGateway(port, path === undefined ? {} : { path })(gateway);
  const module = class BellModule {};
  BoundedModule({ contract: defineContract({ name: 'bell', routes: ['/bell'] }), providers: [gateway] })(module);
  return module;
}

describe('a gateway stops the start', () => {
  it.each<[string, Type, NestHooks[], object]>([
    [
      'at a path of no contract',
      gatewayOf('/other'),
      hooks('ws'),
      {
        code: 'fledge.startup.route-outside',
        message: "bell serves 'WebSocket /other', which its contract does not own",
      },
    ],
    [
      "at Socket.IO's own path",
      gatewayOf(undefined),
      hooks('socket.io'),
      { code: 'fledge.startup.route-outside', message: expect.stringContaining("'WebSocket /socket.io'") as string },
    ],
    [
      'with a port of its own',
      gatewayOf('/bell', 8_123),
      hooks('ws'),
      {
        code: 'fledge.startup.gateway-port',
        message: 'Bell of bell asks for port 8123 of its own, which no front door leads to',
      },
    ],
    [
      'whose adapter does not know the application',
      gatewayOf('/bell'),
      [{ beforeInit: (app) => void app.useWebSocketAdapter(new WsAdapter()) }],
      { code: 'fledge.startup.gateway-adapter', hint: expect.stringContaining('new WsAdapter(app)') as string },
    ],
    [
      'whose adapter comes too late',
      gatewayOf('/bell'),
      [...hooks('ws'), { afterInit: (app) => void app.useWebSocketAdapter(new WsAdapter(app)) }],
      { code: 'fledge.startup.nest-hook' },
    ],
  ])('%s', async (_what, module, nest, error) => {
    await expect(testModule(module, { nest })).rejects.toMatchObject(error);
  });
});
