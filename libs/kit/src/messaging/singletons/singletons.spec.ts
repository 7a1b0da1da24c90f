import { Logger, Scope, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Catalogue, currentCall, ModuleServer } from '../../boundary/index.js';
import { CALL_LIMITS_DEFAULT, defineContract } from '../../contract/index.js';
import { type ModuleDataSource, openModuleData } from '../../data/index.js';
import { eventually } from '../../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { Membership, SILENCE_MS } from '../replicas/membership.js';
import { refuseUnstored } from '../module-messaging.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { cronSchedule } from './cron-schedule.js';
import { Singleton } from './singleton.js';
import { discoverSingletons, type SingletonJob, Singletons } from './singletons.js';
import { sqlOf } from '../storage/sql.js';

Logger.overrideLogger(false);

class Sweeper {
  @Singleton('sweep', { everyMs: 100 })
  sweep(): void {}
}

class OtherSweeper {
  @Singleton('sweep', { everyMs: 100 })
  sweepToo(): void {}
}

describe('singletons', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  const replicas: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'single',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    });
  });
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
    await source.query('truncate fledge_replica, fledge_singleton');
  });
  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  async function replica(
    run: () => unknown,
    everyMs = 100,
    ...others: SingletonJob[]
  ): Promise<{ singletons: Singletons; stop(): Promise<void> }> {
    const membership = new Membership(sqlOf(source));
    const singletons = new Singletons(
      'single',
      [{ name: 'sweep', everyMs, run }, ...others],
      membership,
      sqlOf(source),
    );
    await membership.start();
    singletons.start();
    const stop = async (): Promise<void> => {
      await singletons.stop();
      await membership.stop();
    };
    const self = { singletons, stop };
    replicas.push(self);
    return self;
  }

  it('run once per interval with three replicas, and continue within a second after a drain', async () => {
    const runs: { by: number; at: number }[] = [];
    const three = [];
    for (const by of [0, 1, 2]) three.push(await replica(() => runs.push({ by, at: performance.now() })));
    await eventually(() => runs.length >= 8, 'eight runs');
    const [first] = runs;
    expect(new Set(runs.map(({ by }) => by))).toEqual(new Set([first?.by]));
    const gaps = runs.slice(1).map(({ at }, n) => at - (runs[n]?.at ?? 0));
    // by the clock of the database, read before its response arrives
    expect(Math.min(...gaps)).toBeGreaterThan(90);

    const drainedAt = performance.now();
    await three[first?.by ?? 0]?.stop();
    await eventually(() => runs.at(-1)?.by !== first?.by, 'another replica goes on');
    expect((runs.find(({ by }) => by !== first?.by)?.at ?? Infinity) - drainedAt).toBeLessThan(SILENCE_MS / 2);
  });

  it('wait for the rest of their interval on a new replica', async () => {
    let runs = 0;
    const first = await replica(() => runs++, 3_600_000);
    await eventually(() => runs === 1, 'one run');
    await first.stop();
    let beats = 0;
    await replica(() => runs++, 3_600_000, { name: 'beat', everyMs: 10, run: () => beats++ });
    await eventually(() => beats >= 5, 'the other replica runs what is due');
    expect(runs).toBe(1);
  });

  it('never run twice at once, however long a run takes, and stop after the current run', async () => {
    const running = { one: 0, other: 0 };
    let most = 0;
    let ended = 0;
    const slow = (by: 'one' | 'other') => async (): Promise<void> => {
      running[by]++;
      most = Math.max(most, running.one + running.other);
      await new Promise((resolve) => setTimeout(resolve, 60));
      running[by]--;
      ended++;
    };
    const one = await replica(slow('one'), 10);
    await replica(slow('other'), 10);
    await eventually(() => ended >= 3 && running.one === 1, 'a fourth run is under way');
    await one.stop();
    expect(running.one).toBe(0);
    await eventually(() => ended >= 5, 'the other replica goes on');
    expect(most).toBe(1);
  });

  it('wait as long as they ask for when there is nothing to do, and are woken by a commit in any replica', async () => {
    let runs = 0;
    const idle: SingletonJob = { name: 'idle', everyMs: 10, idleMs: 3_600_000, run: () => (runs++, Infinity) };
    const first = await replica(() => undefined, 100, idle);
    const second = await replica(() => undefined, 100, idle);
    await eventually(() => runs === 1, 'the first run');
    first.singletons.committed();
    await eventually(() => runs === 2, 'a run after a commit here');
    second.singletons.committed();
    await eventually(() => runs === 3, 'a run after a commit elsewhere');
  });

  const at = (expression: string, run: () => unknown): SingletonJob => ({
    name: 'tick',
    cron: cronSchedule(expression, 'UTC', 'here'),
    run,
  });

  it('run once at each tick of a cron expression with three replicas', async () => {
    const seconds: number[] = [];
    const offsetMs = await source
      .query<{ now: string }[]>('select extract(epoch from clock_timestamp()) * 1000 as now')
      .then(([row]) => Number(row?.now) - Date.now());
    const tick = at('* * * * * *', () => seconds.push(Math.floor((Date.now() + offsetMs + 20) / 1000)));
    for (let i = 0; i < 3; i++) await replica(() => undefined, 100, tick);
    await eventually(() => seconds.length >= 3, 'three ticks');
    const [first = 0] = seconds;
    expect(seconds).toEqual(seconds.map((_, n) => first + n));
  });

  it('make up once for ticks that passed while no replica ran, and for none before the first start', async () => {
    const runs: string[] = [];
    let beats = 0;
    await source.query("insert into fledge_singleton values ('tick', clock_timestamp() - interval '3 hours')");
    // none of their ticks is less than ten minutes away
    const minute = (new Date().getUTCMinutes() + 30) % 60;
    const missed = at(`${minute} * * * *`, () => runs.push('missed'));
    const fresh = { ...at(`${minute} * * * *`, () => runs.push('fresh')), name: 'fresh' };
    await replica(() => undefined, 100, missed, fresh, { name: 'beat', everyMs: 10, run: () => beats++ });
    await eventually(() => runs.length > 0, 'the missed tick');
    const before = beats;
    await eventually(() => beats > before + 5, 'the other jobs go on');
    expect(runs).toEqual(['missed']);
  });

  it.each([
    ['61 * * * *', undefined, /minute: 61/],
    ['* * *', undefined, /does not have five or six fields/],
    ['2026-05-01T00:00:00', undefined, /does not have five or six fields/],
    ['0 0 30 2 *', undefined, /never comes true/],
    ['0 3 * * *', 'Mars/Olympus', /Mars\/Olympus/],
  ])('refuse the cron expression %j in the time zone %j', (cron, timeZone, fact) => {
    expect(() =>
      Singleton('sweep', { cron, ...(timeZone !== undefined && { timeZone }) })(Sweeper.prototype, 'sweep', {}),
    ).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.singleton-cron',
        message: expect.stringMatching(fact) as string,
        hint: expect.stringContaining("'0 3 * * *'") as string,
      }),
    );
  });

  it('read a cron expression in its time zone, over both changes of the clocks', () => {
    const ticks = (expression: string, zone: string, from: string, count: number): string[] => {
      const { nextAfter } = cronSchedule(expression, zone, 'here');
      const found: string[] = [];
      for (let time = Date.parse(from); found.length < count; found.push(new Date(time).toISOString()))
        time = nextAfter(time) ?? NaN;
      return found;
    };
    expect(ticks('0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', 1)).toEqual(['2026-01-02T03:00:00.000Z']);
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it('continue after an error, which is counted', async () => {
    let runs = 0;
    const { singletons } = await replica(() => {
      runs++;
      throw new Error('no');
    }, 10);
    await eventually(() => runs >= 3, 'three runs');
    expect(singletons.counts.get('sweep')?.failures).toBeGreaterThanOrEqual(2);
  });

  it('run in their own context, whose signal aborts when others have removed the replica', async () => {
    let call: ReturnType<typeof currentCall>;
    let end: () => void = () => undefined;
    await replica(async () => {
      call ??= currentCall();
      await new Promise<void>((resolve) => (end = resolve));
    });
    await eventually(() => call !== undefined, 'it runs');
    expect(call).toMatchObject({ caller: 'job', identity: undefined, idempotencyKey: undefined });
    expect(call?.signal.aborted).toBe(false);
    await source.query('delete from fledge_replica');
    await eventually(() => call?.signal.aborted === true, 'the signal aborts', 2 * SILENCE_MS);
    end();
  });

  it.each<[string, NonNullable<ModuleMetadata['providers']>]>([
    ['singleton-twice', [Sweeper, OtherSweeper]],
    ['singleton-scope', [{ provide: Sweeper, useClass: Sweeper, scope: Scope.REQUEST }]],
  ])('fail the start with %s', async (cause, providers) => {
    class Root {}
    const app = await NestFactory.createApplicationContext(
      { module: Root, providers },
      { logger: false, abortOnError: false },
    );
    expect(() => discoverSingletons(app)).toThrow(expect.objectContaining({ code: `fledge.startup.${cause}` }));
    await app.close();
  });

  it('fail the start of a module without tables, which cannot store when they ran', async () => {
    class Root {}
    const app = await NestFactory.createApplicationContext({ module: Root, providers: [Sweeper] }, { logger: false });
    const contract = defineContract({ name: 'single' });
    const parts = {
      app,
      spec: { contract, uses: [], entities: [], migrations: [] },
      catalogue: new Catalogue([contract]),
      moduleServer: new ModuleServer('single', [], CALL_LIMITS_DEFAULT, () => undefined),
    };
    expect(() => refuseUnstored(parts)).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.consumer-tables',
        message: expect.stringContaining("the singleton 'sweep' of single") as string,
      }),
    );
    await app.close();
  });

  it('are found among the providers', async () => {
    class Root {}
    const app = await NestFactory.createApplicationContext({ module: Root, providers: [Sweeper] }, { logger: false });
    expect(discoverSingletons(app)).toMatchObject([{ name: 'sweep', everyMs: 100 }]);
    await app.close();
    expect(() =>
      Singleton('sweep', { cron: '* * * * *', everyMs: 10 } as never)(Sweeper.prototype, 'sweep', {}),
    ).toThrow(expect.objectContaining({ code: 'fledge.startup.singleton-cron' }));
    expect(() => Singleton('sweep', { everyMs: 1 })(Sweeper.prototype, 'sweep', {})).toThrow(
      expect.objectContaining({ code: 'fledge.startup.singleton-interval' }),
    );
  });
});
