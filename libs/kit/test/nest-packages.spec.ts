import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { BoundedModule, type SharedImports } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { eventually, freshDatabase, type FreshDatabase, testModule, testNatsUrl } from '@fledge/kit/testing';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** A process of the tea house. Its own processes, since jest on Node 20 cannot load @nestjs/throttler beside Nest 12. */
class House {
  readonly lines: string[] = [];
  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {}

  static async start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<House> {
    const main = fileURLToPath(new URL('../dist/test/nest-packages/house.main.js', import.meta.url));
    const child = fork(main, args, {
      execArgv: [],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    });
    const exits = once(child, 'exit').then(() => undefined);
    const message = await Promise.race([once(child, 'message'), exits]);
    if (message === undefined) throw new Error(`the process of ${args.slice(3).join(', ')} ended before it was ready`);
    const house = new House(child, (message[0] as { port: number }).port);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => house.lines.push(...text.split('\n')));
    return house;
  }

  async send(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { method, headers });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
  }

  get = (path: string, headers?: Record<string, string>): Promise<Answer> => this.send('GET', path, headers);

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }
}

let database: FreshDatabase;
const started: House[] = [];
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await stopAll();
  await database.drop();
});

async function stopAll(): Promise<void> {
  await Promise.all(started.splice(0).map((house) => house.stop()));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function start(
  grouping: readonly (readonly string[])[],
  transport: string,
  devtoolsPort: number,
): Promise<ReadonlyMap<string, House>> {
  const namespace = `packages${randomBytes(4).toString('hex')}`;
  const houses = new Map<string, House>();
  await Promise.all(
    grouping.map(async (modules) => {
      const house = await House.start([database.url, transport, namespace, ...modules], {
        DEVTOOLS_PORT: modules.includes('kettle') ? String(devtoolsPort) : '',
      });
      started.push(house);
      for (const module of modules) houses.set(module, house);
    }),
  );
  return houses;
}

describe.each([
  ['in one process', [['kettle', 'cups']], 'local'],
  ['as services over NATS', [['kettle'], ['cups']], 'nats'],
])('packages of Nest inside bounded modules, %s', (world, grouping, transport) => {
  let kettle: House;
  let cups: House;
  let devtoolsPort: number;

  beforeAll(async () => {
    devtoolsPort = await freePort();
    const houses = await start(grouping, transport === 'nats' ? testNatsUrl() : transport, devtoolsPort);
    [kettle, cups] = [houses.get('kettle') as House, houses.get('cups') as House];
  });
  // the next world works on the same tables
  afterAll(stopAll);

  it('@nestjs/devtools-integration serves the graph of a module on a port of its own', async () => {
    const response = await fetch(`http://127.0.0.1:${devtoolsPort}/inspector/graph/snapshot`, {
      headers: { origin: 'https://devtools.nestjs.com' },
    });
    expect(await response.text()).toContain('KettleController');
  });

  it('@nestjs/config, named once, is injected in each', async () => {
    expect((await kettle.get('/kettle/water')).body).toEqual({ water: 'soft' });
    expect((await cups.get('/cups')).body).toMatchObject({ water: 'soft', temperature: 90 });
  });

  it('@nestjs/cache-manager keeps a cache for each module, and caches answers', async () => {
    expect((await cups.get('/cups')).body).toMatchObject({ temperature: 91, cached: null });
    expect((await kettle.get('/kettle/count')).body).toEqual({ boils: 1 });
    expect((await kettle.get('/kettle/count')).body).toEqual({ boils: 1 });
  });

  it('@nestjs/event-emitter carries events within a module, and @nestjs/throttler refuses what is too much', async () => {
    expect((await kettle.get('/kettle/boil')).body).toEqual({ boiled: ['noon'] });
    expect((await kettle.get('/kettle/boil')).status).toBe(200);
    const refused = await kettle.get('/kettle/boil');
    expect(refused).toMatchObject({ status: 429, body: { code: 'fledge.too-many-requests' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await cups.get('/cups')).body).toMatchObject({ heard: [] });
  });

  it('@nestjs/schedule runs in the process, and @Singleton at each tick of its cron expression', async () => {
    await eventually(async () => {
      const { ticks, descaled } = (await kettle.get('/kettle/chores')).body as Record<string, number>;
      expect([(ticks ?? 0) > 2, (descaled ?? 0) > 0]).toEqual([true, true]);
    }, 'both');
  });

  it('nestjs-pino logs a request, and lines inside it, under the correlation id of the answer', async () => {
    const id = (await kettle.get('/kettle/water')).headers.get('x-correlation-id');
    await eventually(
      () =>
        expect(
          kettle.lines
            .filter((line) => line.includes(`"correlationId":"${id}"`))
            .map((line) => (JSON.parse(line) as { readonly msg: string }).msg),
        ).toEqual(['the water was looked at', 'request completed']),
      'both lines',
    );
  });

  it('durable providers are made once for each tenant', async () => {
    const pot = async (tenant: string): Promise<unknown> =>
      (await kettle.get('/kettle/pot', { 'x-tenant': tenant })).body;
    const first = await pot('a');
    expect(first).toMatchObject({ tenant: 'a' });
    expect(await pot('a')).toEqual(first);
    expect(await pot('b')).not.toEqual(first);
  });

  it('an indicator of @nestjs/terminus is part of /readyz', async () => {
    expect(await kettle.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect(await kettle.get('/kettle/health')).toMatchObject({ status: 200, body: { status: 'ok' } });

    await kettle.send('PUT', '/kettle/element/down');
    const unready = { status: 503, body: { status: 'not ready', failed: ['kettle.element'] } };
    await eventually(async () => expect(await kettle.get('/readyz')).toMatchObject(unready), 'not ready');
    expect(await kettle.get('/kettle/health')).toMatchObject({
      status: 503,
      body: { data: { status: 'error', error: { element: { status: 'down', ohms: 0 } } } },
    });
    expect((await cups.get('/readyz')).status).toBe(world === 'in one process' ? 503 : 200);
    const why = 'the readiness check kettle.element is down: {\\"element\\":{\\"ohms\\":0,\\"status\\":\\"down\\"}}';
    await eventually(() => expect(kettle.lines.join('')).toContain(why), 'the log');

    await kettle.send('PUT', '/kettle/element/degraded');
    const degraded = { status: 200, body: { status: 'ready', degraded: ['kettle.element'] } };
    await eventually(async () => expect(await kettle.get('/readyz')).toMatchObject(degraded), 'degraded');

    await kettle.send('PUT', '/kettle/element/stuck');
    await eventually(async () => expect(await kettle.get('/readyz')).toMatchObject(unready), 'not ready in time');
  });
});

class Water {}

@Module({ providers: [Water], exports: [Water] })
class WaterModule {}

@Controller('sink')
class SinkController {
  constructor(
    private readonly config: ConfigService,
    @Inject(Water) private readonly water: Water,
  ) {}

  @Get()
  get(): object {
    return { port: this.config.get<number>('port'), hasWater: this.water instanceof Water };
  }
}

@BoundedModule({ contract: defineContract({ name: 'sink', routes: ['/sink'] }), controllers: [SinkController] })
class SinkModule {}

const settings = (): ReturnType<typeof ConfigModule.forRoot> =>
  ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ port: 7 })] });

describe('the imports of an application', () => {
  it('are given to a module that is tested alone, global or not', async () => {
    const test = await testModule(SinkModule, { imports: () => [settings(), WaterModule] });
    try {
      expect((await test.request('GET', '/sink')).body).toEqual({ port: 7, hasWater: true });
    } finally {
      await test.close();
    }
  });

  it.each<[string, SharedImports, RegExp]>([
    ['a module that fails', () => [Promise.reject(new Error('no PORT'))], /^the `imports` .* for sink: no PORT$/],
    ['a bounded module', () => [SinkModule], /SinkModule is a bounded module/],
    ['a list', [WaterModule] as never, /they are not a function/],
  ])('stop the start: %s', async (_what, imports, fact) => {
    await expect(testModule(SinkModule, { imports })).rejects.toMatchObject({
      code: 'fledge.startup.imports',
      message: expect.stringMatching(fact) as string,
    });
  });
});
