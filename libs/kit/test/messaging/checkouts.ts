import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command } from '@nestjs/cqrs';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { Catalogue } from '../../src/boundary/index.js';
import { CommandContract, defineContract, EventContract, type Fields } from '../../src/contract/index.js';
import { type ModuleDataSource, openModuleData } from '../../src/data/index.js';
import { freshDatabase } from '../../src/testing/fresh-database.js';
import type { StoredMessage } from '../../src/transport/index.js';
import { Dispatcher } from '../../src/messaging/dispatch/dispatcher.js';
import { Inbox } from '../../src/messaging/inbox/inbox.js';
import { Membership } from '../../src/messaging/replicas/membership.js';
import { Outbox } from '../../src/messaging/outbox/outbox.js';
import { OutboxLane } from '../../src/messaging/outbox/outbox-lane.js';
import { register } from '../../src/messaging/inbox/registry.js';
import { MESSAGING_MIGRATIONS } from '../../src/messaging/storage/schema.js';
import { type Sql, sqlOf } from '../../src/messaging/storage/sql.js';
import { Continues, OnTimer, Process, Starts } from '../../src/messaging/processes/decorators.js';
import { discoverProcesses } from '../../src/messaging/processes/discover-processes.js';
import type { ProcessConsumer } from '../../src/messaging/processes/process-consumer.js';
import { Processes } from '../../src/messaging/operations/processes.js';
import type { Run } from '../../src/messaging/processes/run.js';
import { Timers } from '../../src/messaging/processes/timers.js';

Logger.overrideLogger(false);

@EventContract('orders.placed.v1', { key: 'orderId' })
export class Placed {
  @IsString() readonly orderId!: string;
  @IsOptional() @IsString() readonly how?: string;
  constructor(fields: Fields<Placed>) {
    Object.assign(this, fields);
  }
}

@EventContract('bank.paid.v1', { key: 'paymentId' })
export class Paid {
  @IsString() readonly paymentId!: string;
  @IsString() readonly orderId!: string;
  constructor(fields: Fields<Paid>) {
    Object.assign(this, fields);
  }
}

@EventContract('bank.refused.v1', { key: 'orderId' })
export class Refused {
  @IsString() readonly orderId!: string;
  constructor(fields: Fields<Refused>) {
    Object.assign(this, fields);
  }
}

@CommandContract('bank.charge.v1')
export class Charge extends Command<void> {
  @IsString() readonly orderId!: string;
  @IsInt() readonly amount!: number;
  constructor(fields: Fields<Charge>) {
    super();
    Object.assign(this, fields);
  }
}

@CommandContract('far.away.v1')
export class FarAway extends Command<void> {
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

export class CheckoutState {
  @IsInt() payments = 0;
  @IsOptional() @IsInt() late?: number;
  @IsOptional() @IsString() reason?: string;
}

/** What a test lets the process do in an event of the order. */
export const doings = new Map<string, (run: Run<CheckoutState>) => unknown>();

@Process('checkout', { state: CheckoutState, attemptsMax: 2, backoffMs: 1 })
export class Checkout {
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

/** What `openCheckouts` gives the tests of a file. */
export interface Checkouts {
  /** Of module orders. */
  readonly source: ModuleDataSource;
  readonly sql: Sql;
  readonly consumer: ProcessConsumer;
  readonly processes: Processes;
  /** Has the process handle an event, in a transaction. */
  handle(event: object): Promise<void>;
  handleMessage(message: StoredMessage): Promise<void>;
  message(event: object): StoredMessage;
  stored(key: string): Promise<{
    state: CheckoutState;
    status: string;
    outcome: string | null;
    history: { what: string; detail: string }[];
  }>;
  /** The history of a run, as lines. */
  happenings(key: string): Promise<string[]>;
  /** The commands that were sent. */
  sent(): Promise<{ name: string; key: string; target: string; payload: string }[]>;
  /** A replica of the module: dispatches, and looks after timers. Ends at the latest with `reset`. */
  replica(): Promise<Replica>;
  /** Lets the next test begin with empty tables. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** One of the replicas of the module. */
export interface Replica {
  accept(...events: object[]): Promise<void>;
  acceptMessages(...messages: StoredMessage[]): Promise<void>;
  expectTimer(inMs: number): void;
  stop(): Promise<void>;
}

/** An event that starts a run, and what the process does then. */
export function placed(orderId: string, doing?: (run: Run<CheckoutState>) => unknown): Placed {
  if (doing) doings.set(orderId, doing);
  return new Placed({ orderId });
}

/** A database with module orders in it, and the process that its tests are about. */
export async function openCheckouts(): Promise<Checkouts> {
  const database = await freshDatabase();
  const source = await openModuleData({
    module: 'orders',
    url: database.url,
    entities: [],
    migrations: MESSAGING_MIGRATIONS,
  });
  const sql = sqlOf(source);
  class Root {}
  const app = await NestFactory.createApplicationContext(
    { module: Root, providers: [Checkout] },
    { logger: false, abortOnError: false },
  );
  const outbox = new Outbox(source, 'orders', catalogue, new OutboxLane());
  const [consumer] = discoverProcesses(app, {
    spec: { contract: Orders, uses: [Bank], entities: [], migrations: [] },
    catalogue,
    sql,
    outbox,
    onTimer: (inMs) => replicas.forEach((one) => one.expectTimer(inMs)),
  }) as [ProcessConsumer];
  const processes = new Processes(sql);
  const replicas: Replica[] = [];
  const self: Checkouts = {
    source,
    sql,
    consumer,
    processes,
    message,
    handleMessage: (one) => source.transaction(() => consumer.handle(one)),
    handle: (event) => self.handleMessage(message(event)),
    stored: async (key) => {
      const run = await processes.show('checkout', key);
      if (!run) throw new Error(`no run '${key}'`);
      return run as never;
    },
    happenings: async (key) => (await self.stored(key)).history.map(({ what, detail }) => `${what} ${detail}`),
    sent: () => sql.rows('select name, key, target, payload from fledge_outbox order by seq'),
    replica: async () => {
      const one = await startReplica(source, sql, consumer);
      replicas.push(one);
      return one;
    },
    reset: async () => {
      for (const one of replicas.splice(0)) await one.stop();
      doings.clear();
      await source.query(
        'truncate fledge_outbox, fledge_inbox, fledge_dead_letter, fledge_hold, fledge_replica, fledge_process, fledge_timer',
      );
    },
    close: async () => {
      await app.close();
      await source.destroy();
      await database.drop();
    },
  };
  return self;
}

function message(event: object): StoredMessage {
  const compiled = catalogue.event(event.constructor as never);
  if (!compiled) throw new Error('no event of a contract');
  const key = (event as Record<string, string>)[compiled.key] as string;
  return {
    id: randomUUID(),
    kind: 'event',
    name: compiled.name,
    source: 'orders',
    target: undefined,
    key,
    payload: JSON.stringify(event),
    headers: {},
    occurredAt: new Date().toISOString(),
  };
}

async function startReplica(source: ModuleDataSource, sql: Sql, consumer: ProcessConsumer): Promise<Replica> {
  const membership = new Membership(sql);
  const inbox = new Inbox(sql, 'orders', membership);
  const dispatcher = new Dispatcher({ module: 'orders', source, membership, consumers: [consumer] });
  const timers = new Timers({ module: 'orders', sql, membership, onMoved: () => dispatcher.wakeAll() });
  await register(sql, [consumer]);
  await membership.start();
  inbox.handTo(dispatcher);
  dispatcher.start();
  timers.start();
  const self: Replica = {
    accept: (...events) => self.acceptMessages(...events.map(message)),
    acceptMessages: (...messages) => inbox.accept(messages),
    expectTimer: (inMs) => timers.expect(inMs),
    stop: async () => {
      await timers.stop();
      await dispatcher.stop();
      await membership.stop();
    },
  };
  return self;
}
