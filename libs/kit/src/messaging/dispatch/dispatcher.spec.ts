import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { currentContext } from '../../boundary/index.js';
import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { eventually } from '../../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import type { StoredMessage } from '../../transport/index.js';
import { type ConsumerOptions, type DurableConsumer, resolveRules } from '../consumers/consumer.js';
import { knowledge } from '../inbox/deliveries.js';
import { UnknownVersion } from '../consumers/delivery-errors.js';
import { resendDeadLetters } from '../operations/dead-letters.js';
import { DEADLY_STARTS } from './careful-start.js';
import { Dispatcher } from './dispatcher.js';
import { Inbox } from '../inbox/inbox.js';
import { Membership } from '../replicas/membership.js';
import { register } from '../inbox/registry.js';
import { MessageCounts } from '../signals/message-counts.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { sqlOf } from '../storage/sql.js';

/** Longer than a second replica needs to get its share. */
const LONG_MS = 2_500;

interface Replica {
  readonly inbox: Inbox;
  readonly membership: Membership;
  readonly dispatcher: Dispatcher;
  readonly counts: MessageCounts;
}

describe('the dispatchers of a module', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  let open: Replica[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    source = (await openModuleData({
      module: 'hall',
      url: database.url,
      entities: [],
      migrations: [...MESSAGING_MIGRATIONS],
    })) as ModuleDataSource;
  });
  afterEach(async () => {
    await Promise.all(open.map(stop));
    open = [];
    await source.destroy();
    await database.drop();
  });

  async function stop({ dispatcher, membership }: Replica): Promise<void> {
    await dispatcher.stop();
    await membership.stop();
  }

  const consumer = (name: string, options: ConsumerOptions, handle: DurableConsumer['handle']): DurableConsumer => ({
    name,
    kind: 'event',
    takes: ['a.b'],
    knows: ['a.b.v1'],
    rules: resolveRules(options, name),
    handle,
  });
  const message = (key: string): StoredMessage => ({
    id: randomUUID(),
    kind: 'event',
    name: 'a.b.v1',
    source: 'a',
    target: undefined,
    key,
    payload: '{}',
    headers: {},
    occurredAt: new Date().toISOString(),
  });
  const handled = async (name: string): Promise<number> =>
    (
      await source.query<{ count: number }[]>(
        "select count(*)::int as count from fledge_inbox where consumer = $1 and state = 'handled'",
        [name],
      )
    )[0]?.count ?? 0;

  async function replica(...consumers: DurableConsumer[]): Promise<Replica> {
    const sql = sqlOf(source);
    const membership = new Membership(sql, {
      knows: consumers.flatMap(({ name, knows }) => knows.map((wireName) => knowledge(name, wireName))),
    });
    const inbox = new Inbox(sql, 'hall', membership);
    const counts = new MessageCounts();
    const dispatcher = new Dispatcher({ module: 'hall', source, membership, consumers, counts });
    await register(sql, consumers);
    inbox.handTo(dispatcher);
    await membership.start();
    dispatcher.start();
    const started = { inbox, membership, dispatcher, counts };
    open.push(started);
    return started;
  }

  it('hand a partition over only when its work has ended, so that no message runs twice', async () => {
    const running = new Map<string, number>();
    let [runs, most] = [0, 0];
    const long = consumer('long', { transaction: 'own' }, async ({ key }) => {
      runs += 1;
      const now = (running.get(key) ?? 0) + 1;
      running.set(key, now);
      most = Math.max(most, now);
      await sleep(LONG_MS);
      running.set(key, now - 1);
    });
    const first = await replica(long);
    await first.inbox.accept(Array.from({ length: 8 }, (_, i) => message(`key ${i}`)));
    await eventually(() => runs === 8, 'all eight under way');
    await replica(long);
    await eventually(async () => (await handled('long')) === 8, 'all eight handled');
    expect({ runs, most }).toEqual({ runs: 8, most: 1 });
  });

  // consumers with transactions of their own were not counted
  it.each(['kit', 'own'] as const)(
    'count outcomes and durations of a consumer with the transaction: %s',
    async (transaction) => {
      let runs = 0;
      const fussy = consumer('fussy', { transaction, attemptsMax: 2, backoffMs: 1, backoffMaxMs: 1 }, ({ key }) => {
        runs += 1;
        return key === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve();
      });
      const { inbox, counts } = await replica(fussy);
      await inbox.accept([message('good'), message('bad')]);
      const wanted = { handled: 1, retried: 1, dead: 1 };
      await eventually(() => expect(counts.of('fussy').outcomes).toEqual(wanted), 'all outcomes counted');
      expect(counts.of('fussy').durations.counts.reduce((sum, count) => sum + count)).toBe(runs);
    },
  );

  it('abort what they handle when another replica gets its partition, and leave it to that replica', async () => {
    const signals: Promise<unknown>[] = [];
    let runs = 0;
    const long = consumer('long', { transaction: 'own' }, async () => {
      runs += 1;
      if (runs > 1) return;
      const held = sleep(20_000, undefined, { ref: false });
      signals.push(held);
      await held;
    });
    const first = await replica(long);
    await first.inbox.accept([message('lost')]);
    await eventually(() => runs === 1, 'it under way');
    // as after a pause of the process during which others have removed it
    await source.query('delete from fledge_replica where replica = $1', [first.membership.replica]);
    await eventually(async () => (await handled('long')) === 1, 'it handled by the next holder', 8_000);
    expect(runs).toBe(2);
  });

  it('let others continue at once when they are stopped, except with what they still handle', async () => {
    const slow = consumer('slow', { transaction: 'own' }, () => sleep(6_000));
    const quick = consumer('quick', {}, () => sleep(1));
    const first = await replica(slow, quick);
    await first.inbox.accept([message('slow')]);
    await eventually(async () => (await handled('quick')) === 1, 'the slow one under way');
    const second = await replica(slow, quick);
    const stopped = first.dispatcher.stop();
    await second.inbox.accept(Array.from({ length: 64 }, (_, i) => message(`key ${i}`)));
    const since = performance.now();
    await eventually(async () => (await handled('quick')) === 65, 'all others handled');
    expect(performance.now() - since).toBeLessThan(2_000);
    expect(await handled('slow')).toBe(0);
    await stopped;
  });

  it('count a failure of anything but the database as an attempt, up to exactly the configured number', async () => {
    let runs = 0;
    const errors = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const calling = consumer('calling', { transaction: 'own', attemptsMax: 3, backoffMs: 1, backoffMaxMs: 1 }, () => {
      runs += 1;
      return Promise.reject(Object.assign(new Error('the mail server is away'), { code: 'ECONNREFUSED' }));
    });
    const first = await replica(calling);
    await first.inbox.accept([message('mail')]);
    await eventually(
      async () => (await source.query<unknown[]>('select 1 from fledge_dead_letter')).length === 1,
      'a dead letter',
    );
    expect(runs).toBe(3);
    // only a query of the table showed it
    await eventually(() => {
      const lines = errors.mock.calls.map(([line]) => String(line));
      expect(lines).toEqual([
        expect.stringMatching(
          /^hall: a\.b\.v1 [\da-f-]{36} is a dead letter of calling: failed 3 times \(the mail server is away\); /,
        ),
      ]);
    }, 'the line of the dead letter').finally(() => errors.mockRestore());
  });

  it('report a dead letter even when the commit failed', async () => {
    await source.query(
      'create table once (n int unique deferrable initially deferred); create table told (reason text)',
    );
    const breaking: DurableConsumer = {
      ...consumer(
        'breaking',
        { attemptsMax: 2, backoffMs: 1 },
        async () => void (await source.query('insert into once values (1), (1)')),
      ),
      onDead: async (_message, { reason }) => void (await source.query('insert into told values ($1)', [reason])),
    };
    const first = await replica(breaking);
    await first.inbox.accept([message('breaks')]);
    await eventually(
      async () => expect(await source.query('select reason from told')).toEqual([{ reason: 'failed 2 times' }]),
      'what it was told',
    );
    expect(await source.query('select attempts from fledge_dead_letter')).toEqual([{ attempts: 2 }]);
  });

  // during a deployment, an older replica made dead letters of messages that the newer ones could have handled
  it('leave messages that only newer code can handle to it, and make dead letters of those that none can', async () => {
    const rules = { backoffMs: 1 };
    const older = { ...consumer('learns', rules, ({ name }) => Promise.reject(new UnknownVersion('learns', name))) };
    const first = await replica(older);
    const second = await replica({
      ...consumer('learns', rules, () => Promise.resolve()),
      knows: ['a.b.v1', 'a.b.v2'],
    });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    await first.inbox.accept(keys.map((key) => ({ ...message(key), name: 'a.b.v2' })));
    await eventually(async () => (await handled('learns')) >= 1, 'what came to the newer one');
    await stop(first);
    open = [second];
    await eventually(async () => expect(await handled('learns')).toBe(keys.length), 'all of them handled');
    expect(await source.query('select 1 from fledge_dead_letter')).toEqual([]);
    await stop(second);
    open = [];
    const last = await replica(older);
    await last.inbox.accept([{ ...message('a'), name: 'a.b.v2' }]);
    await eventually(
      async () =>
        expect(await source.query('select reason from fledge_dead_letter')).toEqual([{ reason: 'unknown version' }]),
      'a dead letter',
    );
  });

  // it killed one replica after the other, without an attempt being counted
  it('put a message aside that crashed the process again and again, and handle it when it is sent again', async () => {
    let runs = 0;
    const deadly = consumer('deadly', {}, () => Promise.resolve(void runs++));
    const sql = sqlOf(source);
    await register(sql, [deadly]);
    await new Inbox(sql, 'hall', new Membership(sql)).accept([message('k')]);
    await source.query('update fledge_inbox set starts = $1', [DEADLY_STARTS]);
    // a killed replica: its row is left, and its connection is closed
    await source.query(
      "insert into fledge_replica (replica, line, joined, groups, healthy, knows) values (gen_random_uuid(), 4711, 0, '{}', true, '{}')",
    );
    await replica(deadly);
    await eventually(
      async () =>
        expect(await source.query('select reason from fledge_dead_letter')).toEqual([
          { reason: `the process ended ${DEADLY_STARTS} times while it was handled` },
        ]),
      'a dead letter',
    );
    expect(runs).toBe(0);
    const [{ id } = { id: '' }] = await sql.rows<{ id: string }>('select message_id as id from fledge_dead_letter');
    expect(await resendDeadLetters(sql, 'deadly', [id])).toBe(1);
    await eventually(async () => (await handled('deadly')) === 1, 'it handled', 10_000);
    expect(runs).toBe(1);
  });

  // no replica had its key, and this one never handled its messages again
  it('take a message again that another replica had while its start was being recorded', async () => {
    const careful = consumer('careful', { transaction: 'own' }, () => Promise.resolve());
    const sql = sqlOf(source);
    await register(sql, [careful]);
    await new Inbox(sql, 'hall', new Membership(sql)).accept([message('k')]);
    // a killed replica: from now on starts are recorded
    await source.query(
      "insert into fledge_replica (replica, line, joined, groups, healthy, knows) values (gen_random_uuid(), 4711, 0, '{}', true, '{}')",
    );
    // a start that is recorded and not made must not count as a crash
    await source.query('update fledge_inbox set starts = $1', [DEADLY_STARTS - 1]);
    const locked = source.createQueryRunner();
    await locked.startTransaction();
    await locked.query('select 1 from fledge_inbox for update');
    const only = await replica(careful);
    await eventually(
      async () =>
        expect(
          await source.query(
            'select 1 from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()',
          ),
        ).toHaveLength(1),
      'its start about to be noted',
    );
    const left = only.membership.replica;
    await source.query('delete from fledge_replica where replica = $1', [left]);
    await eventually(() => only.membership.replica !== left, 'it left out, and back', 20_000);
    await locked.rollbackTransaction();
    await locked.release();
    await eventually(async () => expect(await handled('careful')).toBe(1), 'it handled', 20_000);
  });

  // under replicas that came and went, messages that crashed nothing became dead letters
  it.each(['own', 'kit'] as const)(
    'blame no message for a crash whose work was given up while its process went on: transaction %s',
    async (transaction) => {
      let runs = 0;
      const slow = consumer('slow', { transaction }, async () => {
        // works until it is given up
        if (runs++ === 0) await sleep(20_000, undefined, { ref: false });
      });
      const sql = sqlOf(source);
      await register(sql, [slow]);
      await new Inbox(sql, 'hall', new Membership(sql)).accept([message('k')]);
      await source.query('update fledge_inbox set starts = $1', [DEADLY_STARTS - 1]);
      // a killed replica: from now on starts are recorded
      await source.query(
        "insert into fledge_replica (replica, line, joined, groups, healthy, knows) values (gen_random_uuid(), 4711, 0, '{}', true, '{}')",
      );
      const only = await replica(slow);
      await eventually(() => runs === 1, 'it started', 10_000);
      const left = only.membership.replica;
      await source.query('delete from fledge_replica where replica = $1', [left]);
      await eventually(() => only.membership.replica !== left, 'it left out, and back', 20_000);
      await eventually(async () => expect(await handled('slow')).toBe(1), 'it handled', 20_000);
      expect(await source.query('select reason from fledge_dead_letter')).toEqual([]);
    },
  );

  it('handle messages that arrive together in one transaction, and let none wait for a slow handler', async () => {
    let [others, release] = [0, (): void => undefined];
    const released = new Promise<void>((resolve) => (release = resolve));
    const only = await replica(
      consumer('together', {}, ({ key }) => {
        if (key === 'slow') return released;
        others += 1;
        return Promise.resolve();
      }),
    );
    await only.inbox.accept([message('warm')]);
    await eventually(async () => (await handled('together')) === 1, 'the first one handled');
    await only.inbox.accept(Array.from({ length: 40 }, (_, i) => message(`key ${i}`)));
    await eventually(async () => (await handled('together')) === 41, 'all handled');
    const [{ transactions } = { transactions: 0 }] = await source.query<{ transactions: number }[]>(
      "select count(distinct xmin::text)::int as transactions from fledge_inbox where key like 'key%'",
    );
    // one, or on a slow machine a few; it used to be four, as many as may run at a time
    expect(transactions).toBeLessThan(4);
    await only.inbox.accept([message('slow')]);
    await only.inbox.accept([message('after')]);
    await eventually(() => others === 42, 'the other one handled beside it');
    release();
    await eventually(async () => (await handled('together')) === 43, 'the slow one too');
  });

  it("count the rejection of a promise that a handler did not await as the handler's failure", async () => {
    const careless = consumer('careless', { attemptsMax: 1 }, async () => {
      currentContext()?.rejected(new Error('left behind'));
      await sleep(20_000, undefined, { ref: false });
    });
    const only = await replica(careless);
    await only.inbox.accept([message('k')]);
    await eventually(
      async () =>
        expect(await source.query("select history->0->>'message' as message from fledge_dead_letter")).toEqual([
          { message: 'left behind' },
        ]),
      'a dead letter',
    );
  });

  it('let a transaction idle for as long as its handler may take', async () => {
    const settings: string[] = [];
    const note = (name: string, options: ConsumerOptions): DurableConsumer =>
      consumer(
        name,
        options,
        async () =>
          void settings.push(
            (
              await source.query<{ idle: string }[]>(
                "select current_setting('idle_in_transaction_session_timeout') as idle",
              )
            )[0]?.idle ?? '',
          ),
      );
    const only = await replica(note('patient', { timeoutMs: 300_000 }), note('usual', {}));
    await only.inbox.accept([message('a')]);
    await eventually(() => expect([...settings].sort()).toEqual(['1min', '310s']), 'both of them');
  });
});
