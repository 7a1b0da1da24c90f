import { randomBytes } from 'node:crypto';
import { type FrontDoor, frontDoor } from '@fledge/cli/front-door';
import { Host, LocalTransport, type PlatformName, type Transport } from '@fledge/kit';
import { testNatsUrl } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import { Logger } from '@nestjs/common';
import { menu } from './graphql/menu.js';

Logger.overrideLogger(false);

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

function start(platform: PlatformName, modules: readonly string[], transport: Transport): Promise<Host> {
  return new Host({ application: menu(platform), modules, transport, http: { port: 0 }, logger: false }).start();
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
});
