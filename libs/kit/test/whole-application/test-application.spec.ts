import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { getRepositoryToken } from '@nestjs/typeorm';
import pactum from 'pactum';
import { Client } from 'pg';
import request from 'supertest';
import type { Repository } from 'typeorm';
import { QuietLogger } from '@fledge/kit';
import {
  testApplication,
  type TestApplicationBuilder,
  type TestedApplication,
  type TestedService,
  testModule,
} from '@fledge/kit/testing';
import {
  BadgeGuard,
  BarContract,
  BarModule,
  cafe,
  Clock,
  containers,
  DoorGuard,
  Glass,
  MenuModule,
  PaperModule,
  Sale,
  type SaleView,
  ScreenModule,
  ShortMenuModule,
  stand,
  Tap,
  TillModule,
} from './cafe.js';

/** A server that never answers would keep the run from ending. */
const HANGS_AFTER_MS = 20_000;

const ONE_PROCESS = { services: { all: { modules: ['till', 'bar', 'menu'] } } };
const SERVICES = {
  transport: 'nats',
  services: { till: { modules: ['till'] }, bar: { modules: ['bar'] }, menu: { modules: ['menu'] } },
};
const WORLDS = [
  ['in one process', ONE_PROCESS],
  ['as services', SERVICES],
] as const;

/** The cafe at noon, where everybody may sell. */
function atNoon(topology: (typeof WORLDS)[number][1]): TestApplicationBuilder {
  return testApplication(cafe, { topology, logger: new QuietLogger() })
    .overrideGuard(BadgeGuard)
    .useValue({ canActivate: () => true })
    .overrideProvider(Clock)
    .useValue({ hour: () => 12 })
    .overrideModule(PaperModule)
    .useModule(ScreenModule)
    .overrideModule(MenuModule)
    .useModule(ShortMenuModule);
}

describe.each(WORLDS)('a whole application under test, %s,', (_, topology) => {
  let app: TestedApplication;

  beforeAll(async () => {
    app = await atNoon(topology).start();
  });
  afterAll(() => app?.close());

  it('answers supertest, with the guard, the provider and the module of the test', async () => {
    const { body } = (await request(app.getHttpServer()).post('/sales').send({ drink: 'tea' }).expect(201)) as {
      body: SaleView;
    };
    expect(body).toMatchObject({ drink: 'tea', cents: 300, hour: 12, printer: 'screen' });
    await request(app.getHttpServer()).get('/menu').expect(200, ['water']);
    await request(app.getHttpServer()).post('/sales').send({}).expect(400);
  });

  it('answers pactum', async () => {
    await pactum
      .spec()
      .post(`${app.url}/sales`)
      .withJson({ drink: 'milk' })
      .expectStatus(201)
      .expectJsonLike({ drink: 'milk', printer: 'screen' });
  });

  it('answers inject(), in both of its forms', async () => {
    const sold = await app.inject({ method: 'POST', url: '/sales', payload: { drink: 'cola' } });
    expect([sold.statusCode, sold.json<SaleView>().cents]).toEqual([201, 400]);
    expect((await app.inject('/menu')).json()).toEqual(['water']);
    const { statusCode, payload } = await app.inject().get('/menu').end();
    expect([statusCode, payload]).toEqual([200, '["water"]']);
  });

  it('answers for all of its services at one address', async () => {
    const missing = await request(app.getHttpServer()).get('/none').expect(404);
    expect(missing.body).toMatchObject({ code: 'fledge.not-found', detail: 'no module here serves GET /none' });
    await request(app.getHttpServer()).get('/readyz').expect(200);
    const { body } = (await request(app.getHttpServer()).get('/openapi.json').expect(200)) as {
      body: { paths: object };
    };
    expect(Object.keys(body.paths).sort()).toEqual(['/menu', '/sales']);
  });

  it('gives the providers of its modules', async () => {
    const sales = app.get<Repository<Sale>>(TillModule, getRepositoryToken(Sale));
    await sales.save({ drink: 'rum', cents: 1 });
    expect(await sales.countBy({ drink: 'rum' })).toBe(1);
    expect(app.get('till', Clock).hour()).toBe(12);
    expect(app.get(BarContract, Tap)).toBeInstanceOf(Tap);
    expect(() => app.get('kitchen', Clock)).toThrow("the application cafe has no module 'kitchen'");
    expect(() => app.get(PaperModule, 'PRINTER')).toThrow('PaperModule has no @BoundedModule');
  });

  it('waits until events are handled, wherever their consumers run', async () => {
    await app.inject({ method: 'POST', url: '/sales', payload: { drink: 'wine' } });
    await app.untilQuiet();
    const glasses = app.get<Repository<Glass>>(BarModule, getRepositoryToken(Glass));
    expect(await glasses.findOneBy({ drink: 'wine' })).toMatchObject({ poured: 1 });
  });

  it('says which events are not handled in time', async () => {
    let clear = (): void => undefined;
    app.get(BarContract, Tap).isClear = new Promise((resolve) => (clear = resolve));
    await app.inject({ method: 'POST', url: '/sales', payload: { drink: 'ale' } });
    const waited = app.untilQuiet(1_000);
    await expect(waited).rejects.toThrow(
      'the handling of all messages did not happen within 1000 ms: pour of bar has still to handle till.sold.v1',
    );
    clear();
    await app.untilQuiet();
  });

  it('gives the server of a module or of a service if that has routes, and names the right one if it has none', async () => {
    await request(app.module(TillModule).getHttpServer())
      .post('/sales')
      .timeout(HANGS_AFTER_MS)
      .send({ drink: 'gin' })
      .expect(201);
    await request(app.module('till').getHttpServer()).get('/menu').timeout(HANGS_AFTER_MS).expect(404);
    const refusal = {
      code: 'fledge.startup.test-server',
      hint: expect.stringContaining('whole application') as string,
    };
    expect(catching(() => app.module('bar').getHttpServer())).toMatchObject({
      ...refusal,
      message: 'the module bar serves no route, so its HTTP server has no answer to any request',
    });
    const hosting = (module: string): TestedService =>
      app.service(app.topology.services.find(({ modules }) => modules.includes(module))?.name ?? '');
    await request(hosting('menu').getHttpServer()).get('/menu').expect(200);
    if (topology === ONE_PROCESS) expect(hosting('bar').getHttpServer()).toBe(app.getHttpServer());
    else
      expect(catching(() => hosting('bar').getHttpServer())).toMatchObject({
        ...refusal,
        message: 'the service bar serves no route, so its HTTP server has no answer to any request',
      });
    expect(() => app.service('baar')).toThrow("has no service 'baar'");
  });

  // the last: nothing after it is quiet
  it('does not wait for a message that its consumer gave up on', async () => {
    await app.inject({ method: 'POST', url: '/sales', payload: { drink: 'cork' } });
    await expect(app.untilQuiet(60_000)).rejects.toThrow(
      /pour of bar gave up on till\.sold\.v1 after 1 attempts: .*the bottle is empty/,
    );
  });
});

describe('an application that cannot be tested', () => {
  const refused = (builder: TestApplicationBuilder): Promise<unknown> =>
    builder.start().then(
      async (app) => {
        await app.close();
        throw new Error('it started');
      },
      (error: unknown) => error,
    );
  class Unknown {}

  it.each<[string, (builder: TestApplicationBuilder) => TestApplicationBuilder, string, string]>([
    [
      'a provider that no module has',
      (builder) => builder.overrideProvider(Clock).useValue({}).overrideProvider('CLOCK').useValue(1),
      "overrideProvider('CLOCK') replaces nothing: no module of stand has this as a provider",
      'Use the token by which a module provides it',
    ],
    [
      'a guard that is taken for a provider',
      (builder) => builder.overrideProvider(DoorGuard).useValue({}),
      'overrideProvider(DoorGuard) replaces nothing',
      'replace it by overrideGuard',
    ],
    [
      'a provider that is taken for a guard',
      (builder) => builder.overrideGuard(Clock).useValue({}),
      'overrideGuard(Clock) replaces nothing',
      'replace it by overrideProvider',
    ],
    [
      'a guard that nothing names',
      (builder) => builder.overrideGuard(BadgeGuard).useClass(DoorGuard),
      'overrideGuard(BadgeGuard) replaces nothing: no module of stand has this as a guard',
      'APP_GUARD, useExisting',
    ],
    [
      'a module that nobody imports',
      (builder) => builder.overrideModule(Unknown).useModule(ScreenModule),
      'overrideModule(Unknown) replaces nothing: no module of stand imports it',
      'Name a module that the application lists',
    ],
    [
      'a bounded module that it does not list',
      (builder) => builder.overrideModule(TillModule).useModule(BarModule),
      'overrideModule(TillModule) replaces nothing: no module of stand imports it',
      'Name a module that the application lists',
    ],
  ])('names %s, and is stopped', async (_, override, message, hint) => {
    const before = containers.ever;
    const topology = { services: { all: { modules: ['menu'] } } };
    const error = await refused(override(testApplication(stand, { topology, logger: new QuietLogger() })));
    expect(error).toMatchObject({
      code: 'fledge.startup.test-override',
      hint: expect.stringContaining(hint) as string,
    });
    expect((error as Error).message).toContain(message);
    expect(containers).toEqual({ open: 0, ever: before + 1 });
  });

  it('names a module in the place of one with another contract', async () => {
    const builder = testApplication(cafe, { topology: ONE_PROCESS });
    expect(await refused(builder.overrideModule(MenuModule).useModule(BarModule))).toMatchObject({
      code: 'fledge.startup.contract-differs',
    });
  });

  it.each([
    [{ services: { till: { modules: ['till', 'menu'] } } }, /the topology of the test: .*'bar'/],
    [{ services: { all: { modules: ['till', 'menu', 'bar', 'attic'] } } }, /the topology of the test: .*'attic'/],
    [
      { services: { till: { modules: ['till', 'menu'] }, bar: { modules: ['bar'] } } },
      /the topology of the test: .*local/,
    ],
    ['splitt', /there is no .*config\/splitt\.yaml/],
    ['none/of-these.yaml', /none\/of-these\.yaml: there is no such file/],
  ])('names what is wrong with its topology %j', async (topology, message) => {
    const error = await refused(testApplication(cafe, { topology }));
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toMatch(/test:1:/);
  });

  it('names settings of a module that there is not', async () => {
    const error = await refused(testApplication(cafe, { topology: ONE_PROCESS, settings: { tills: {} } }));
    expect(error).toMatchObject({ code: 'fledge.startup.unknown-module', hint: "Did you mean 'till'?" });
  });

  it.each(WORLDS)('leaves nothing behind, %s', async (_, topology) => {
    const before = await databases();
    const failure = new Error('the tap drips');
    const factory = (): never => {
      throw failure;
    };
    const error = await refused(atNoon(topology).overrideProvider(Tap).useFactory({ factory }));
    expect(error).toBe(failure);
    expect(containers.open).toBe(0);
    expect(await databases()).toEqual(before);
  });
});

describe('the topology of a test', () => {
  it('is found where the application has its files, and is one process where it has none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stand-'));
    const cwd = jest.spyOn(process, 'cwd').mockReturnValue(join(folder, 'test'));
    const services = async (topology?: string): Promise<string[]> => {
      const app = await testApplication(stand, { topology, logger: false }).start();
      await app.close();
      return app.topology.services.map(({ name }) => name);
    };
    const store = (name: string, service: string): void =>
      writeFileSync(join(folder, `config/${name}.yaml`), `services: { ${service}: { modules: [menu] } }\n`);
    try {
      expect(await services()).toEqual(['all']);
      mkdirSync(join(folder, 'config'));
      writeFileSync(join(folder, 'package.json'), '{ "fledge": { "app": "main.js" } }');
      store('monolith', 'one');
      store('split', 'part');
      expect([await services(), await services('split')]).toEqual([['one'], ['part']]);
      await expect(services('splt')).rejects.toMatchObject({
        message: `there is no ${join(folder, 'config/splt.yaml')}`,
        hint: "Did you mean 'split'?",
      });
    } finally {
      cwd.mockRestore();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a test of a whole application', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cafe-'));
  let app: TestedApplication | undefined;
  afterEach(async () => {
    delete process.env.FLEDGE_TEST_TOPOLOGY;
    await app?.close();
    app = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const start = async (topology?: string): Promise<TestedApplication> =>
    (app = await testApplication(cafe, { topology, logger: new QuietLogger() }).start());
  const fileOf = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it('runs as its environment says, on its own database and port, whatever the file says', async () => {
    process.env.FLEDGE_TEST_TOPOLOGY = fileOf(
      'split.yaml',
      `namespace: production
transport: nats
nats: { url: "\${NATS_URL}", replicas: 3 }
database: { url: "\${DATABASE_URL}" }
http: { port: 80, host: 0.0.0.0 }
services:
  till: { modules: [till], replicas: 3 }
  rest: { modules: [bar, menu] }
`,
    );
    const { topology, url } = await start();
    expect(topology.services.map(({ name }) => name)).toEqual(['till', 'rest']);
    expect(topology).toMatchObject({
      namespace: expect.stringMatching(/^test-[0-9a-f]{12}$/) as string,
      nats: { servers: [process.env.FLEDGE_TEST_NATS_URL], replicas: undefined },
    });
    expect(await (await fetch(`${url}/menu`)).json()).toEqual(['tea', 'coffee']);
    expect((await fetch(`${url}/sales`, { method: 'POST' })).status).toBe(403);
    const { headers, status } = await fetch(`${url}/metrics`);
    expect([status, headers.get('content-type')]).toEqual([404, 'application/problem+json; charset=utf-8']);
  });

  it('needs no database URL of a module, which it does not use', async () => {
    const { url } = await start(
      fileOf(
        'own-urls.yaml',
        `database: { modules: { till: { env: TILL_DATABASE_THAT_IS_NOT_SET } } }
services: { one: { modules: [till, bar, menu] } }
`,
      ),
    );
    expect(await (await fetch(`${url}/menu`)).json()).toEqual(['tea', 'coffee']);
  });

  it('runs as it says itself, rather than its environment, and closes all, also when asked twice', async () => {
    process.env.FLEDGE_TEST_TOPOLOGY = 'none';
    const before = await databases();
    const { topology, url } = await start(fileOf('one.yaml', 'services: { one: { modules: [till, bar, menu] } }\n'));
    expect(topology.services).toHaveLength(1);
    expect(containers.open).toBe(2);
    await app?.close();
    await app?.close();
    expect(containers.open).toBe(0);
    expect(await databases()).toEqual(before);
    await expect(fetch(url)).rejects.toThrow();
  });
});

describe('the server of a module that is tested alone', () => {
  it.each<[string, Type, boolean]>([
    ['answers if the module has routes', MenuModule, true],
    ['is refused if it has none', BarModule, false],
  ])('%s', async (_, module, hasRoutes) => {
    const test = await testModule(module);
    try {
      if (hasRoutes)
        await request(test.app.getHttpServer()).get('/menu').timeout(HANGS_AFTER_MS).expect(200, ['tea', 'coffee']);
      else expect(() => test.app.getHttpServer() as unknown).toThrow('the module bar serves no route');
    } finally {
      await test.close();
    }
  });
});

function catching(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

/** The databases of tests that exist; no other spec runs meanwhile. */
async function databases(): Promise<readonly string[]> {
  const client = new Client({ connectionString: process.env.FLEDGE_TEST_DATABASE_URL });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      "select datname from pg_database where datname like 'test\\_%' order by 1",
    );
    return rows.map(({ datname }) => datname);
  } finally {
    await client.end();
  }
}
