import { randomBytes } from 'node:crypto';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { Host, LocalTransport, type PlatformName, type Transport } from '@fledge/kit';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { Logger } from '@nestjs/common';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { menu, pot } from './graphql/menu.js';

Logger.overrideLogger(false);

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

function start(platform: PlatformName, modules: readonly string[], transport: Transport): Promise<Host> {
  return new Host({ application: menu(platform), modules, transport, http: { port: 0 }, logger: false }).start();
}

interface Subscribed {
  readonly client: Client;
  readonly got: Answer[];
  readonly end: () => void;
  /** Resolves with the code of why the connection ended. */
  readonly closed: Promise<number>;
}

function subscribeAt(url: string, query: string, headers: Readonly<Record<string, string>>): Subscribed {
  const client = createClient({
    url,
    retryAttempts: 0,
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { headers });
      }
    },
  });
  const got: Answer[] = [];
  const closed = new Promise<number>((resolve) =>
    client.on('closed', (event) => resolve((event as { readonly code: number }).code)),
  );
  const end = client.subscribe(
    { query },
    {
      next: (answer) => got.push(answer as Answer),
      // that of the protocol has errors; another one is the end of the connection
      error: (error) => Array.isArray(error) && got.push({ errors: error as unknown as NonNullable<Answer['errors']> }),
      complete: () => undefined,
    },
  );
  return { client, got, end, closed };
}

describe.each<[PlatformName, string]>([
  ['fastify', 'in one process'],
  ['fastify', 'through the front door'],
  ['express', 'in one process'],
  ['express', 'through the front door'],
])('GraphQL in modules on %s, %s', (platform, way) => {
  const hosts: Host[] = [];
  let door: FrontDoor | undefined;
  let origin: string;

  beforeAll(async () => {
    if (way === 'in one process') {
      hosts.push(await start(platform, ['teas', 'cups'], new LocalTransport()));
      origin = `http://127.0.0.1:${hosts[0]?.port}`;
      return;
    }
    const namespace = `menu${randomBytes(4).toString('hex')}`;
    const routes = new Map<string, readonly string[]>();
    for (const module of ['cups', 'teas']) {
      const host = await start(platform, [module], new NatsTransport({ url: testNatsUrl(), namespace }));
      hosts.push(host);
      routes.set(`/${module}`, [`http://127.0.0.1:${host.port}`]);
    }
    door = await frontDoor({ port: 0, routes });
    await door.whenReady(5_000);
    origin = `http://127.0.0.1:${door.port}`;
  });
  afterAll(async () => {
    await door?.close();
    for (const host of hosts) await host.close();
  });

  const ask = async (query: string, user?: string, module = 'teas'): Promise<Answer> => {
    const response = await fetch(`${origin}/${module}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(user !== undefined && { 'x-user': user }) },
      body: JSON.stringify({ query }),
    });
    const text = await response.text();
    expect(text).not.toContain('secret');
    return JSON.parse(text) as Answer;
  };

  it('has a schema for each module, though types of two have one name', async () => {
    expect(await ask('{ leaf { grown } }')).toEqual({ data: { leaf: { grown: 'Assam' } } });
    expect(await ask('{ leaf { painted } }', undefined, 'cups')).toEqual({ data: { leaf: { painted: 'blue' } } });
    expect((await ask('{ leaf { painted } }')).errors?.[0]?.message).toContain('Cannot query field "painted"');
  });

  it('calls other modules with the identity of a guard', async () => {
    expect(await ask('{ cup(size: 2) }', 'mia')).toEqual({ data: { cup: 'a cup of 2 for mia' } });
    expect(await ask('{ a: cup(size: 2) b: cup(size: 3) }')).toEqual({
      data: { a: 'a cup of 2 for nobody', b: 'a cup of 3 for nobody' },
    });
  });

  it('knows @Roles and @CurrentUser', async () => {
    expect(await ask('{ me }', 'mia')).toEqual({ data: { me: 'mia' } });
    expect((await ask('{ me }', 'tom')).errors?.[0]?.extensions).toMatchObject({
      code: 'fledge.forbidden',
      status: 403,
    });
  });

  it.each<[string, string, object]>([
    ['no user', '{ me }', { extensions: { code: 'fledge.unauthenticated' } }],
    [
      'a declared error',
      '{ cup(size: 9) }',
      {
        message: 'no cup of size 9 is left',
        extensions: { code: 'cups.none-left.v1', hint: 'Wash one.', data: { size: 9 } },
      },
    ],
    ['a fault of another module', '{ cup(size: 8) }', { extensions: { code: 'fledge.module-fault' } }],
    [
      'validation',
      'mutation { order(order: { grams: 11 }) }',
      {
        extensions: { code: 'fledge.invalid-request', violations: [expect.objectContaining({ path: 'grams' })] },
      },
    ],
    [
      'a fault',
      '{ broken }',
      { extensions: { code: 'INTERNAL_SERVER_ERROR', correlationId: expect.any(String) as string } },
    ],
    ['an HttpException', '{ missing }', { message: 'no such tea' }],
    ['a GraphQLError', '{ own }', { message: 'it is mine', extensions: { code: 'MINE' } }],
    ['a guard', '{ closed }', { message: 'Forbidden resource' }],
  ])('answers %s by the errors of GraphQL', async (_what, query, error) => {
    expect((await ask(query)).errors).toEqual([
      expect.objectContaining({
        ...error,
        extensions: expect.objectContaining((error as { extensions?: object }).extensions ?? {}) as object,
      }),
    ]);
  });

  describe('subscriptions', () => {
    const clients: Client[] = [];
    afterEach(async () => {
      for (const client of clients.splice(0)) await client.dispose();
    });

    /** Subscribes, and collects what comes. */
    const subscribe = (query: string, user?: string, at = origin): Subscribed => {
      const headers: Record<string, string> = user === undefined ? {} : { 'x-user': user };
      const subscribed = subscribeAt(`${at.replace('http', 'ws')}/teas/graphql`, query, headers);
      clients.push(subscribed.client);
      return subscribed;
    };
    const subscribers = (count: number): Promise<void> =>
      eventually(() => expect(pot.listenerCount('poured')).toBe(count), `${count} subscribers`);

    it('call other modules with the identity that a guard finds for each client, until it ends them', async () => {
      const [mia, nobody] = [subscribe('subscription { poured }', 'mia'), subscribe('subscription { poured }')];
      await subscribers(2);
      for (const size of [2, 3]) await ask(`mutation { pour(size: ${size}) }`, 'tom');
      for (const [{ got }, user] of [[mia, 'mia'] as const, [nobody, 'nobody'] as const])
        await eventually(
          () => expect(got).toEqual([2, 3].map((size) => ({ data: { poured: `a cup of ${size} for ${user}` } }))),
          'two cups',
        );
      mia.end();
      await subscribers(1);
      nobody.end();
      await subscribers(0);
    });

    it('know @Roles and @CurrentUser, and answer by the errors of GraphQL', async () => {
      const correlationId = expect.stringMatching(/^[0-9a-f]{32}$/) as string;
      const refusal = (code: string): object => ({
        errors: [expect.objectContaining({ extensions: expect.objectContaining({ code, correlationId }) as object })],
      });
      const [mia, tom, nobody] = ['mia', 'tom', undefined].map((user) => subscribe('subscription { mine }', user).got);
      await eventually(() => expect(mia).toEqual([{ data: { mine: 'mia' } }]), 'the name');
      await eventually(() => expect(tom).toEqual([refusal('fledge.forbidden')]), 'a refusal');
      await eventually(() => expect(nobody).toEqual([refusal('fledge.unauthenticated')]), 'a refusal');
    });

    it('end when the process drains, so that clients go elsewhere', async () => {
      const extra = await start(platform, ['teas', 'cups'], new LocalTransport());
      try {
        const { closed } = subscribe('subscription { poured }', 'mia', `http://127.0.0.1:${extra.port}`);
        await subscribers(1);
        await extra.close();
        expect(await closed).toBe(1001);
        await subscribers(0);
      } finally {
        await extra.close();
      }
    });
  });
});
