import { UndeclaredDependency } from '../../src/contract/index.js';
import { forgetConsumer } from '../../src/messaging/operations/forget-consumer.js';
import { Membership } from '../../src/messaging/replicas/membership.js';
import type { Sql } from '../../src/messaging/storage/sql.js';
import { HISTORY_MAX } from '../../src/messaging/processes/history.js';
import type { Run } from '../../src/messaging/processes/run.js';
import { Timers } from '../../src/messaging/processes/timers.js';
import { register } from '../../src/messaging/inbox/registry.js';
import { eventually } from '../../src/testing/eventually.js';
import { Charge, type CheckoutState, doings, FarAway, openCheckouts, Paid, placed, Refused } from './checkouts.js';

const checkouts = await openCheckouts();
const { handle, happenings, replica, sent, stored } = checkouts;

afterEach(() => checkouts.reset());
afterAll(() => checkouts.close());

describe('a run of a process', () => {
  it('is stored with its commands, its timers and its history in one transaction', async () => {
    await handle(
      placed('a', (run) => {
        run.send(new Charge({ orderId: 'a', amount: 5 }));
        run.setTimer('late', 60_000);
        run.note('off we go');
      }),
    );
    expect(await sent()).toEqual([
      { name: 'bank.charge.v1', key: 'a', target: 'bank', payload: '{"orderId":"a","amount":5}' },
    ]);
    expect(await stored('a')).toMatchObject({
      state: { payments: 0 },
      status: 'running',
      outcome: null,
      timers: [{ name: 'late', dueAt: expect.any(String) as string }],
    });
    expect(await happenings('a')).toEqual([
      'started orders.placed.v1',
      'sent bank.charge.v1',
      'timer set late in 60000 ms',
      'note off we go',
    ]);
  });

  it('stores nothing when its method fails', async () => {
    const failing = placed('a', (run) => {
      run.send(new Charge({ orderId: 'a', amount: 5 }));
      run.setTimer('late', 1);
      throw new Error('no');
    });
    await expect(handle(failing)).rejects.toThrow('no');
    expect(await sent()).toEqual([]);
    expect(await checkouts.processes.list()).toEqual([]);
    expect(await checkouts.sql.rows('select 1 from fledge_timer')).toEqual([]);
  });

  it('is created once when two events start it at once, and loses none of twenty concurrent updates', async () => {
    await Promise.all([handle(placed('a')), handle(placed('a'))]);
    expect((await stored('a')).history.map(({ what }) => what)).toEqual(['started', 'event']);
    await Promise.all(Array.from({ length: 20 }, (_, n) => handle(new Paid({ orderId: 'a', paymentId: `p${n}` }))));
    expect((await stored('a')).state.payments).toBe(20);
  });

  it('stores a text without the characters that PostgreSQL cannot store', async () => {
    await handle(placed('a', (run) => void (run.state.reason = '\\u0000 \0 cut \ud83d')));
    expect((await stored('a')).state.reason).toBe('\\u0000 \uFFFD cut \uFFFD');
  });

  it('is not started by an event that only continues it, and takes none after it has finished', async () => {
    await handle(new Paid({ orderId: 'a', paymentId: 'p' }));
    expect(await checkouts.processes.list()).toEqual([]);
    await handle(placed('a', (run) => run.setTimer('late', 60_000)));
    await handle(new Refused({ orderId: 'a' }));
    await handle(new Paid({ orderId: 'a', paymentId: 'p' }));
    expect(await stored('a')).toMatchObject({
      state: { payments: 0 },
      status: 'finished',
      outcome: 'refused',
      timers: [],
    });
    expect((await happenings('a')).at(-1)).toBe('ignored bank.paid.v1');
    expect((await sent()).map(({ name }) => name)).toEqual(['bank.charge.v1']);
  });

  it('refuses commands that do not fit or whose module is not in `uses`, and timers that nobody handles', async () => {
    await expect(handle(placed('a', (run) => run.send(new FarAway('x'))))).rejects.toBeInstanceOf(UndeclaredDependency);
    await expect(
      handle(placed('b', (run) => run.send(new Charge({ orderId: 'b', amount: 0.5 })))),
    ).rejects.toMatchObject({ code: 'fledge.invalid-message' });
    await expect(handle(placed('c', (run) => run.setTimer('whenever', 1)))).rejects.toMatchObject({
      code: 'fledge.unknown-timer',
    });
    await expect(handle(placed('d', (run) => run.setTimer('late', -1)))).rejects.toMatchObject({
      code: 'fledge.timer-out-of-bounds',
    });
    expect(await sent()).toEqual([]);
  });

  it('cannot be used after its method has ended', async () => {
    let kept: Run<CheckoutState> | undefined;
    await handle(placed('a', (run) => void (kept = run)));
    expect(() => kept?.note('late')).toThrow(expect.objectContaining({ code: 'fledge.transaction-over' }));
  });

  it('has its state validated when it is stored, and when it is loaded', async () => {
    await expect(handle(placed('a', (run) => (run.state.payments = 0.5)))).rejects.toMatchObject({
      code: 'fledge.invalid-message',
    });
    await handle(placed('b'));
    await checkouts.source.query(`update fledge_process set state = '{"payments":"three"}'`);
    await expect(handle(new Paid({ orderId: 'b', paymentId: 'p' }))).rejects.toMatchObject({
      code: 'fledge.incompatible-state',
      message: expect.stringContaining('payments') as string,
    });
  });

  it('keeps a bounded history: its start, and the newest entries', async () => {
    await handle(placed('a', (run) => Array.from({ length: 2 * HISTORY_MAX }, (_, n) => run.note(`n${n}`))));
    const history = await happenings('a');
    expect(history).toHaveLength(HISTORY_MAX);
    expect([history[0], history.at(-1)]).toEqual(['started orders.placed.v1', `note n${2 * HISTORY_MAX - 1}`]);
  });
});

describe('a timer', () => {
  it('fires once with two replicas', async () => {
    const [one] = [await replica(), await replica()];
    await one.accept(...Array.from({ length: 20 }, (_, n) => placed(`t${n}`, (run) => run.setTimer('late', 30))));
    await eventually(
      async () =>
        expect(await checkouts.sql.rows("select 1 from fledge_process where state->>'late' is not null")).toHaveLength(
          20,
        ),
      'all timers have fired',
    );
    expect(await checkouts.sql.rows("select 1 from fledge_process where state->>'late' = '1'")).toHaveLength(20);
    expect(await checkouts.sql.rows('select 1 from fledge_timer')).toEqual([]);
  });

  it('fires after a restart, even if it was moved and not handled', async () => {
    await handle(placed('a', (run) => run.setTimer('late', 0)));
    const membership = new Membership(checkouts.sql);
    const moved: string[] = [];
    const timers = new Timers({ module: 'orders', sql: checkouts.sql, membership, onMoved: () => moved.push('moved') });
    await membership.start();
    timers.start();
    await eventually(() => moved.length > 0, 'the timer is in the inbox');
    await timers.stop();
    await membership.stop();
    await replica();
    await eventually(async () => expect((await stored('a')).state.late).toBe(1), 'the timer has fired');
  });

  it('waits for what came before it, even when its key is held', async () => {
    await handle(placed('a', (run) => run.setTimer('late', 0)));
    await checkouts.sql.rows("insert into fledge_hold (consumer, key, partition) values ('checkout', 'a', 0)");
    await new Timers({
      module: 'orders',
      sql: checkouts.sql,
      membership: new Membership(checkouts.sql),
      onMoved: () => undefined,
    })['look']();
    expect(await checkouts.sql.rows('select state from fledge_inbox')).toEqual([{ state: 'ready' }]);
  });

  it('does not wait for the next look when many are due at once', async () => {
    await checkouts.sql.rows(
      "insert into fledge_timer (process, key, name, due_at) select 'checkout', n::text, 'late', clock_timestamp() from generate_series(1, 700) n",
    );
    const timers = new Timers({
      module: 'orders',
      sql: checkouts.sql,
      membership: new Membership(checkouts.sql),
      onMoved: () => undefined,
    });
    expect(await timers['look']()).toBe(0);
    expect(await timers['look']()).toBeGreaterThan(0);
    expect(await checkouts.sql.rows('select 1 from fledge_inbox')).toHaveLength(700);
  });

  // setting it forwards ended payments that had just begun; setting it back stopped everything from ending
  it.each([
    ['forward', 600],
    ['back', -600],
  ])('is due when its time has passed, although the clock of the database is set %s', async (_how, seconds) => {
    // in a table, so that any statement that sees a timer sees the clock by which it was set
    await checkouts.sql.rows('drop table if exists clock_step');
    await checkouts.sql.rows('create table clock_step as select 0 as seconds');
    const stepping: Sql = {
      rows: (text, parameters) =>
        checkouts.sql.rows(
          text.replaceAll(
            'clock_timestamp()',
            `(clock_timestamp() + (select seconds from clock_step) * interval '1 s')`,
          ),
          parameters,
        ),
      transaction: (work) => checkouts.sql.transaction(work),
    };
    const set = (key: string, inMs: number): Promise<unknown> =>
      stepping.rows(
        `insert into fledge_timer (process, key, name, due_at, set_at) values ('checkout', $1, 'late', clock_timestamp() + $2 * interval '1 ms', clock_timestamp())`,
        [key, inMs],
      );
    const membership = new Membership(stepping);
    const timers = new Timers({ module: 'orders', sql: stepping, membership, onMoved: () => undefined });
    await membership.start();
    timers.start();
    await set('long', 60_000);
    await set('short', 1_500);
    await checkouts.sql.rows('update clock_step set seconds = $1', [seconds]);
    await set('after', 60_000);
    await eventually(
      async () => expect(await checkouts.sql.rows('select key from fledge_inbox')).toEqual([{ key: 'short' }]),
      'the short one alone',
      10_000,
    );
    await membership.beatNow();
    await membership.beatNow();
    expect(await checkouts.sql.rows('select key from fledge_inbox')).toEqual([{ key: 'short' }]);
    const left = await stepping.rows<{ key: string; ms: number }>(
      `select key, extract(epoch from due_at - clock_timestamp())::float8 * 1000 as ms from fledge_timer where due_at < 'infinity' order by key`,
    );
    expect(left.map(({ key }) => key)).toEqual(['after', 'long']);
    for (const { ms } of left) expect(ms / 60_000).toBeCloseTo(0.9, 0);
    await timers.stop();
    await membership.stop();
  });

  it('is deleted with a process that is forgotten', async () => {
    await register(checkouts.sql, [checkouts.consumer]);
    await handle(placed('a', (run) => run.setTimer('late', 60_000)));
    await forgetConsumer(checkouts.sql, 'checkout');
    expect(await checkouts.sql.rows('select 1 from fledge_timer')).toEqual([]);
  });

  it.each(['cancelled', 'set anew'])('that was %s after it was moved and before it ran is not called', async (how) => {
    await handle(placed('a', (run) => run.setTimer('late', 0)));
    await new Timers({
      module: 'orders',
      sql: checkouts.sql,
      membership: new Membership(checkouts.sql),
      onMoved: () => undefined,
    })['look']();
    expect(await checkouts.sql.rows('select name from fledge_inbox')).toEqual([{ name: 'timer:late' }]);
    doings.set('p', (run) => (how === 'cancelled' ? run.cancelTimer('late') : run.setTimer('late', 60_000)));
    await handle(new Paid({ orderId: 'a', paymentId: 'p' }));
    await replica();
    await eventually(
      async () =>
        expect(await checkouts.sql.rows("select 1 from fledge_inbox where state = 'handled'")).toHaveLength(1),
      'the message of the timer is handled',
    );
    expect((await stored('a')).state.late).toBeUndefined();
    expect(await checkouts.sql.rows('select 1 from fledge_timer')).toHaveLength(how === 'cancelled' ? 0 : 1);
  });
});
