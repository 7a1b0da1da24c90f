import { randomUUID } from 'node:crypto';
import { type INestApplicationContext, Logger, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { Catalogue } from '../../boundary/index.js';
import { CommandContract, defineContract, EventContract, type Fields, UndeclaredDependency } from '../../contract/index.js';
import { type ModuleDataSource, openModuleData } from '../../data/index.js';
import { eventually } from '../../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import type { StoredMessage } from '../../transport/index.js';
import { DeadLetters } from '../dead-letters.js';
import { Dispatcher } from '../dispatcher.js';
import { forgetConsumer } from '../forget-consumer.js';
import { Inbox } from '../inbox.js';
import { Leases } from '../lease.js';
import { Outbox } from '../outbox.js';
import { register } from '../registry.js';
import { MESSAGING_MIGRATIONS } from '../schema.js';
import { type Sql, sqlOf } from '../sql.js';
import { Continues, OnTimer, Process, Starts } from './decorators.js';
import { discoverProcesses } from './discover-processes.js';
import { HISTORY_MAX } from './history.js';
import type { ProcessConsumer } from './process-consumer.js';
import { Processes } from './processes.js';
import type { Run } from './run.js';
import { Timers } from './timers.js';

Logger.overrideLogger(false);

@EventContract('orders.placed.v1', { key: 'orderId' })
class Placed {
  @IsString() readonly orderId!: string;
  @IsOptional() @IsString() readonly how?: string;
  constructor(fields: Fields<Placed>) {
    Object.assign(this, fields);
  }
}

@EventContract('bank.paid.v1', { key: 'paymentId' })
class Paid {
  @IsString() readonly paymentId!: string;
  @IsString() readonly orderId!: string;
  constructor(fields: Fields<Paid>) {
    Object.assign(this, fields);
  }
}

@EventContract('bank.refused.v1', { key: 'orderId' })
class Refused {
  @IsString() readonly orderId!: string;
  constructor(fields: Fields<Refused>) {
    Object.assign(this, fields);
  }
}

@CommandContract('bank.charge.v1')
class Charge extends Command<void> {
  @IsString() readonly orderId!: string;
  @IsInt() readonly amount!: number;
  constructor(fields: Fields<Charge>) {
    super();
    Object.assign(this, fields);
  }
}

@CommandContract('far.away.v1')
class FarAway extends Command<void> {
  @IsString() readonly id!: string;
  constructor(id: string) {
    super();
    this.id = id;
  }
}

const Orders = defineContract({ name: 'orders', events: [Placed] });
const Bank = defineContract({ name: 'bank', commands: [Charge], events: [Paid, Refused] });
const Far = defineContract({ name: 'far', commands: [FarAway] });
const catalogue = new Catalogue([Orders, Bank, Far]);

class CheckoutState {
  @IsInt() payments = 0;
  @IsOptional() @IsInt() late?: number;
  @IsOptional() @IsString() reason?: string;
}

/** What a test lets the process do in an event of the order. */
const doings = new Map<string, (run: Run<CheckoutState>) => unknown>();

@Process('checkout', { state: CheckoutState, attemptsMax: 2, backoffMs: 1 })
class Checkout {
  @Starts(Placed, (event) => event.orderId)
  async begin(event: Placed, run: Run<CheckoutState>): Promise<void> {
    await doings.get(event.how ?? event.orderId)?.(run);
  }

  @Continues(Paid, (event) => event.orderId)
  async paid(event: Paid, run: Run<CheckoutState>): Promise<void> {
    run.state.payments++;
    await doings.get(event.paymentId)?.(run);
  }

  @Continues(Refused, (event) => event.orderId)
  refused(_event: Refused, run: Run<CheckoutState>): void {
    run.cancelTimer('late');
    run.send(new Charge({ orderId: run.key, amount: 0 }));
    run.finish('refused');
  }

  @OnTimer('late')
  late(run: Run<CheckoutState>): void {
    run.state.late = (run.state.late ?? 0) + 1;
  }

  @OnTimer('other')
  other(): void {
    throw new Error('the other one fails');
  }
}

let database: FreshDatabase;
let source: ModuleDataSource;
let sql: Sql;
let outbox: Outbox;
let app: INestApplicationContext;
let checkout: ProcessConsumer;
let processes: Processes;
const replicas: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  source = await openModuleData({ module: 'orders', url: database.url, entities: [], migrations: MESSAGING_MIGRATIONS });
  sql = sqlOf(source);
  outbox = new Outbox(source, 'orders', catalogue);
  app = await container(Checkout);
  [checkout] = found(app) as [ProcessConsumer];
  processes = new Processes(sql);
});

afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.stop();
  doings.clear();
  await source.query('truncate outbox, inbox, dead_letter, message_hold, message_lease, message_member, process, timer');
});

afterAll(async () => {
  await app.close();
  await source.destroy();
  await database.drop();
});

async function container(...providers: NonNullable<ModuleMetadata['providers']>): Promise<INestApplicationContext> {
  class Root {}
  return NestFactory.createApplicationContext({ module: Root, providers }, { logger: false, abortOnError: false });
}

function found(inside: INestApplicationContext): ProcessConsumer[] {
  return discoverProcesses(inside, { spec: { contract: Orders, uses: [Bank], entities: [], migrations: [] }, catalogue, sql, outbox });
}

function message(event: object, source = 'orders'): StoredMessage {
  const compiled = catalogue.event(event.constructor as never);
  if (!compiled) throw new Error('no event of a contract');
  const key = (event as Record<string, string>)[compiled.key] as string;
  return { id: randomUUID(), kind: 'event', name: compiled.name, source, target: undefined, key, payload: JSON.stringify(event), headers: {}, occurredAt: new Date().toISOString() };
}

const handle = (event: object): Promise<void> => source.transaction(() => checkout.handle(message(event)));
const placed = (orderId: string, doing?: (run: Run<CheckoutState>) => unknown): Placed => {
  if (doing) doings.set(orderId, doing);
  return new Placed({ orderId });
};
const stored = async (key: string): Promise<{ state: CheckoutState; status: string; outcome: string | null; history: { what: string; detail: string }[] }> => {
  const run = await processes.show('checkout', key);
  if (!run) throw new Error(`no run '${key}'`);
  return run as never;
};
const happenings = async (key: string): Promise<string[]> => (await stored(key)).history.map(({ what, detail }) => `${what} ${detail}`);
const sent = (): Promise<{ name: string; key: string; target: string; payload: string }[]> => sql.rows('select name, key, target, payload from outbox order by seq');

/** A replica of the module: dispatches, and looks after timers. */
async function replica(): Promise<{ accept(...events: object[]): Promise<void>; stop(): Promise<void> }> {
  const leases = new Leases(sql, randomUUID());
  const inbox = new Inbox(sql, 'orders', leases);
  const dispatcher = new Dispatcher({ module: 'orders', source, leases, consumers: [checkout] });
  const timers = new Timers({ module: 'orders', sql, leases, onMoved: () => dispatcher.wake() });
  await register(sql, [checkout]);
  await leases.start();
  dispatcher.start();
  timers.start();
  const self = {
    accept: (...events: object[]) => inbox.accept(events.map((event) => message(event))).then(() => dispatcher.wake()),
    stop: async () => {
      await timers.stop();
      await dispatcher.stop();
      await leases.stop();
    },
  };
  replicas.push(self);
  return self;
}

describe('a run of a process', () => {
  it('is stored with its commands, its timers and its history in one transaction', async () => {
    await handle(
      placed('a', (run) => {
        run.send(new Charge({ orderId: 'a', amount: 5 }));
        run.setTimer('late', 60_000);
        run.note('off we go');
      }),
    );
    expect(await sent()).toEqual([{ name: 'bank.charge.v1', key: 'a', target: 'bank', payload: '{"orderId":"a","amount":5}' }]);
    expect(await stored('a')).toMatchObject({ state: { payments: 0 }, status: 'running', outcome: null, timers: [{ name: 'late', dueAt: expect.any(String) as string }] });
    expect(await happenings('a')).toEqual(['started orders.placed.v1', 'sent bank.charge.v1', 'timer set late in 60000 ms', 'note off we go']);
  });

  it('leaves nothing when its method fails', async () => {
    const failing = placed('a', (run) => {
      run.send(new Charge({ orderId: 'a', amount: 5 }));
      run.setTimer('late', 1);
      throw new Error('no');
    });
    await expect(handle(failing)).rejects.toThrow('no');
    expect(await sent()).toEqual([]);
    expect(await processes.list()).toEqual([]);
    expect(await sql.rows('select 1 from timer')).toEqual([]);
  });

  it('is one when two events start it at once, and loses no update of twenty that come at once', async () => {
    await Promise.all([handle(placed('a')), handle(placed('a'))]);
    expect((await stored('a')).history.map(({ what }) => what)).toEqual(['started', 'event']);
    await Promise.all(Array.from({ length: 20 }, (_, n) => handle(new Paid({ orderId: 'a', paymentId: `p${n}` }))));
    expect((await stored('a')).state.payments).toBe(20);
  });

  it('keeps a text of which PostgreSQL can store no part, without that part', async () => {
    await handle(placed('a', (run) => void (run.state.reason = '\\u0000 \0 cut \ud83d')));
    expect((await stored('a')).state.reason).toBe('\\u0000 \uFFFD cut \uFFFD');
  });

  it('is not begun by an event that only continues it, and takes none once it has finished', async () => {
    await handle(new Paid({ orderId: 'a', paymentId: 'p' }));
    expect(await processes.list()).toEqual([]);
    await handle(placed('a', (run) => run.setTimer('late', 60_000)));
    await handle(new Refused({ orderId: 'a' }));
    await handle(new Paid({ orderId: 'a', paymentId: 'p' }));
    expect(await stored('a')).toMatchObject({ state: { payments: 0 }, status: 'finished', outcome: 'refused', timers: [] });
    expect((await happenings('a')).at(-1)).toBe('ignored bank.paid.v1');
    expect((await sent()).map(({ name }) => name)).toEqual(['bank.charge.v1']);
  });

  it('refuses commands that do not fit, or whose module is not in `uses`, and timers that nobody handles', async () => {
    await expect(handle(placed('a', (run) => run.send(new FarAway('x'))))).rejects.toBeInstanceOf(UndeclaredDependency);
    await expect(handle(placed('b', (run) => run.send(new Charge({ orderId: 'b', amount: 0.5 }))))).rejects.toMatchObject({ code: 'fledge.invalid-message' });
    await expect(handle(placed('c', (run) => run.setTimer('whenever', 1)))).rejects.toMatchObject({ code: 'fledge.unknown-timer' });
    await expect(handle(placed('d', (run) => run.setTimer('late', -1)))).rejects.toMatchObject({ code: 'fledge.timer-out-of-bounds' });
    expect(await sent()).toEqual([]);
  });

  it('can not be used after its method has ended', async () => {
    let kept: Run<CheckoutState> | undefined;
    await handle(placed('a', (run) => void (kept = run)));
    expect(() => kept?.note('late')).toThrow(expect.objectContaining({ code: 'fledge.transaction-over' }));
  });

  it('has a state that is checked when it is stored, and when it is loaded', async () => {
    await expect(handle(placed('a', (run) => (run.state.payments = 0.5)))).rejects.toMatchObject({ code: 'fledge.invalid-message' });
    await handle(placed('b'));
    await source.query(`update process set state = '{"payments":"three"}'`);
    await expect(handle(new Paid({ orderId: 'b', paymentId: 'p' }))).rejects.toMatchObject({ code: 'fledge.incompatible-state', message: expect.stringContaining('payments') as string });
  });

  it('keeps a bounded history: its start, and the newest', async () => {
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
    await eventually(async () => expect(await sql.rows("select 1 from process where state->>'late' is not null")).toHaveLength(20), 'all timers have fired');
    expect(await sql.rows("select 1 from process where state->>'late' = '1'")).toHaveLength(20);
    expect(await sql.rows('select 1 from timer')).toEqual([]);
  });

  it('fires after a restart, also one that was moved and not handled', async () => {
    await handle(placed('a', (run) => run.setTimer('late', 0)));
    const leases = new Leases(sql, randomUUID());
    const moved: string[] = [];
    const timers = new Timers({ module: 'orders', sql, leases, onMoved: () => moved.push('moved') });
    await leases.start();
    timers.start();
    await eventually(() => moved.length > 0, 'the timer is in the inbox');
    await timers.stop();
    await leases.stop();
    await replica();
    await eventually(async () => expect((await stored('a')).state.late).toBe(1), 'the timer has fired');
  });

  it('takes its turn behind what came before it, also when its key is held', async () => {
    await handle(placed('a', (run) => run.setTimer('late', 0)));
    await sql.rows("insert into message_hold (consumer, key, partition) values ('checkout', 'a', 0)");
    await new Timers({ module: 'orders', sql, leases: new Leases(sql, randomUUID()), onMoved: () => undefined })['look']();
    expect(await sql.rows('select state from inbox')).toEqual([{ state: 'ready' }]);
  });

  it('does not wait for the next look when many are due at once', async () => {
    await sql.rows("insert into timer (process, key, name, due_at) select 'checkout', n::text, 'late', clock_timestamp() from generate_series(1, 700) n");
    const timers = new Timers({ module: 'orders', sql, leases: new Leases(sql, randomUUID()), onMoved: () => undefined });
    expect(await timers['look']()).toBe(0);
    expect(await timers['look']()).toBeGreaterThan(0);
    expect(await sql.rows('select 1 from inbox')).toHaveLength(700);
  });

  it('goes with a process that is forgotten', async () => {
    await register(sql, [checkout]);
    await handle(placed('a', (run) => run.setTimer('late', 60_000)));
    await forgetConsumer(sql, 'checkout');
    expect(await sql.rows('select 1 from timer')).toEqual([]);
  });

  it.each(['cancelled', 'set anew'])('that was %s after it was moved and before it ran is not called', async (how) => {
    await handle(placed('a', (run) => run.setTimer('late', 0)));
    await new Timers({ module: 'orders', sql, leases: new Leases(sql, randomUUID()), onMoved: () => undefined })['look']();
    expect(await sql.rows('select name from inbox')).toEqual([{ name: 'timer:late' }]);
    doings.set('p', (run) => (how === 'cancelled' ? run.cancelTimer('late') : run.setTimer('late', 60_000)));
    await handle(new Paid({ orderId: 'a', paymentId: 'p' }));
    await replica();
    await eventually(async () => expect(await sql.rows("select 1 from inbox where state = 'handled'")).toHaveLength(1), 'the message of the timer is handled');
    expect((await stored('a')).state.late).toBeUndefined();
    expect(await sql.rows('select 1 from timer')).toHaveLength(how === 'cancelled' ? 0 : 1);
  });
});

describe('a run that fails', () => {
  let broken = true;
  const failing = (): void => {
    if (broken) throw new Error('the bank is closed');
  };

  beforeEach(() => (broken = true));

  it('is visible with its history, handles nothing until it is resumed, and then all in order', async () => {
    const one = await replica();
    doings.set('p1', failing);
    await handle(placed('a'));
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    expect((await happenings('a')).at(-1)).toBe('failed bank.paid.v1: failed 2 times; Error: the bank is closed');
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p2' }));
    await eventually(async () => expect((await stored('a')).history.filter(({ what }) => what === 'failed')).toHaveLength(2), 'the next event waits with it');
    expect(await processes.list({ status: 'failed' })).toMatchObject([{ name: 'checkout', key: 'a' }]);

    broken = false;
    expect(await processes.resume('checkout', 'a')).toBe(2);
    await eventually(async () => expect((await stored('a')).state.payments).toBe(2), 'both are handled');
    expect(await stored('a')).toMatchObject({ status: 'running' });
    expect((await happenings('a')).slice(-3).map((line) => line.split(' ')[0])).toEqual(['resumed', 'event', 'event']);
  });

  it.each(['resend', 'abandon'] as const)('goes on when its dead letter is settled by hand: %s', async (how) => {
    const one = await replica();
    doings.set('p1', failing);
    await handle(placed('a'));
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    broken = false;
    const letters = new DeadLetters(sql);
    const [letter] = await letters.list();
    await letters[how]('checkout', letter?.messageId ?? '');
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).state.payments).toBe(how === 'resend' ? 2 : 1), 'it has gone on');
    expect((await stored('a')).status).toBe('running');
  });

  it('is visible also when it failed at its start', async () => {
    const one = await replica();
    await one.accept(placed('a', failing));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    broken = false;
    await processes.resume('checkout', 'a');
    await eventually(async () => expect(await happenings('a')).toContain('started orders.placed.v1'), 'it has started');
    expect((await stored('a')).status).toBe('running');
  });

  it('that is being started again takes no other event before its first', async () => {
    const one = await replica();
    await one.accept(placed('a', failing));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    await one.stop();
    await processes.resume('checkout', 'a');
    await expect(handle(new Paid({ orderId: 'a', paymentId: 'p1' }))).rejects.toMatchObject({ code: 'fledge.run-not-started' });
    await sql.rows("update inbox set state = 'abandoned' where consumer = 'checkout'");
    await handle(new Paid({ orderId: 'a', paymentId: 'p1' }));
    expect((await stored('a')).state).toBeNull();
  });

  it('fails on a timer as on an event', async () => {
    const one = await replica();
    await one.accept(placed('a', (run) => run.setTimer('other', 0)));
    await eventually(async () => expect((await happenings('a')).at(-1)).toContain('failed other: failed 2 times'), 'it has failed on the timer');
  });

  it('knows what was sent again from what comes for the first time', async () => {
    const one = await replica();
    const seen: string[] = [];
    doings.set('p1', (run) => {
      seen.push(`p1 ${run.isResumed}`);
      failing();
    });
    doings.set('p2', (run) => seen.push(`p2 ${run.isResumed}`));
    await handle(placed('a'));
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p1' }));
    await eventually(async () => expect((await stored('a')).status).toBe('failed'), 'it has failed');
    broken = false;
    await processes.resume('checkout', 'a');
    await eventually(async () => expect((await stored('a')).state.payments).toBe(1), 'it goes on');
    await one.accept(new Paid({ orderId: 'a', paymentId: 'p2' }));
    await eventually(() => expect(seen).toEqual(['p1 false', 'p1 false', 'p1 true', 'p2 false']), 'each knows');
  });

  it('is not resumed when it has not failed', async () => {
    await handle(placed('a'));
    await expect(processes.resume('checkout', 'a')).rejects.toMatchObject({ code: 'fledge.run-not-failed' });
    await expect(processes.resume('checkout', 'b')).rejects.toMatchObject({ code: 'fledge.run-not-failed' });
  });
});
