import { randomUUID } from 'node:crypto';
import { BoundedModule, Consumer, Host, LocalTransport } from '@fledge/kit';
import { defineContract, EventContract } from '@fledge/kit/contract';
import { eventually, freshDatabase, type FreshDatabase } from '@fledge/kit/testing';
import { EventBus, EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { IsString } from 'class-validator';
import { DataSource } from 'typeorm';
import { type ModuleDataSource, openModuleData } from '../../src/data/index.js';
import { forgetConsumer } from '../../src/messaging/operations/forget-consumer.js';
import { MESSAGING_MIGRATIONS } from '../../src/messaging/storage/schema.js';
import { type Sql, sqlOf } from '../../src/messaging/storage/sql.js';

@EventContract('gossip.heard.v1', { key: 'who' })
class Heard {
  @IsString() readonly who: string;
  constructor(who: string) {
    this.who = who;
  }
}

const heard: string[] = [];

@Consumer('ears', { startFrom: 'beginning' })
@EventsHandler(Heard)
class Ears implements IEventHandler<Heard> {
  handle({ who }: Heard): void {
    heard.push(who);
  }
}

const Gossip = defineContract({ name: 'gossip', events: [Heard] });
@BoundedModule({ contract: Gossip, providers: [Ears] })
class GossipModule {}
@BoundedModule({ contract: Gossip })
class SilentModule {}

let database: FreshDatabase;
let source: ModuleDataSource;
let sql: Sql;
const hosts: Host[] = [];

beforeEach(async () => {
  database = await freshDatabase();
  source = await openModuleData({
    module: 'gossip',
    url: database.url,
    entities: [],
    migrations: MESSAGING_MIGRATIONS,
  });
  sql = sqlOf(source);
  heard.length = 0;
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
  await source.destroy();
  await database.drop();
});

const known = () => sql.rows('select name, ready from fledge_consumer');

async function start(module: new () => object = GossipModule): Promise<Host> {
  const host = new Host({
    application: { name: 'talk', modules: [{ contract: Gossip, load: () => Promise.resolve(module) }] },
    modules: ['gossip'],
    transport: new LocalTransport(),
    database: { url: database.url },
    logger: false,
  });
  hosts.push(host);
  return host.start();
}

async function say(host: Host, ...names: string[]): Promise<void> {
  const app = host.module('gossip');
  for (const name of names)
    await app.get(DataSource).transaction(async () => void (await app.get(EventBus).publish(new Heard(name))));
}

/**
 * Makes the consumers be forgotten between their registration and the join of their replica, as `forgetConsumer` may
 * do.
 */
const forgetAtJoin = (): Promise<unknown> =>
  source.query(`
    create function forget() returns trigger language plpgsql as $$ begin delete from fledge_consumer; return new; end $$;
    create trigger forget before insert on fledge_replica for each row execute function forget()`);

describe('a consumer that is forgotten while its replica is starting', () => {
  it('is known again once the replica has started', async () => {
    await forgetAtJoin();
    const host = await start();
    expect(await known()).toEqual([{ name: 'ears', ready: true }]);
    await expect(forgetConsumer(sql, 'ears')).rejects.toMatchObject({ code: 'fledge.consumer-in-use' });
    await host.close();
    await expect(forgetConsumer(sql, 'ears')).resolves.toBe(0);
  });

  // it got it only at the next start, after newer messages
  it('still gets its past messages', async () => {
    const before = await start(SilentModule);
    await say(before, 'a', 'b');
    await eventually(
      async () => expect(await sql.rows('select 1 from fledge_outbox where sent_at is null')).toEqual([]),
      'it is sent',
    );
    await before.close();
    await forgetAtJoin();
    const host = await start();
    await say(host, 'c');
    await eventually(() => expect(heard).toHaveLength(3), 'all is heard');
    expect(new Set(heard)).toEqual(new Set(['a', 'b', 'c']));
    expect(await known()).toEqual([{ name: 'ears', ready: true }]);
  });

  // its new messages, and the timers of a process, were deleted while it was running
  it('keeps what has come since it is known again', async () => {
    const arrived = async (): Promise<void> => {
      await sql.rows(
        "insert into fledge_consumer (name, kind, takes, ready) values ('ears', 'event', '{gossip.heard}', true)",
      );
      await sql.rows(
        "insert into fledge_inbox (consumer, message_id, position, partition, source, kind, name, key, payload, headers, occurred_at) values ('ears', $1, 1, 0, 'gossip', 'event', 'gossip.heard.v1', 'a', '{}', '{}', now())",
        [randomUUID()],
      );
      await sql.rows("insert into fledge_timer (process, key, name, due_at) values ('ears', 'a', 't', now())");
      await sql.rows("insert into fledge_hold (consumer, key, partition) values ('ears', 'b', 0)");
    };
    await sql.rows(
      "insert into fledge_consumer (name, kind, takes, ready) values ('ears', 'event', '{gossip.heard}', true)",
    );
    let struck = false;
    const racing: Sql = {
      ...sql,
      rows: async (text: string, values?: readonly unknown[]) => {
        const rows = await sql.rows(text, values as never);
        if (!struck && text.includes('delete from fledge_consumer')) {
          struck = true;
          await arrived();
        }
        return rows as never;
      },
    };
    await expect(forgetConsumer(racing, 'ears')).rejects.toMatchObject({ code: 'fledge.consumer-in-use' });
    for (const table of ['fledge_inbox', 'fledge_timer', 'fledge_hold'])
      expect(await sql.rows(`select 1 from ${table}`)).toHaveLength(1);
  });
});

it('a replica that cannot register does not hold parts that others need', async () => {
  await source.query(`
    create function refuse() returns trigger language plpgsql as $$ begin if exists (select from fledge_replica) then raise exception 'no'; end if; return new; end $$;
    create trigger refuse before insert on fledge_consumer for each row execute function refuse()`);
  await expect(start()).rejects.toThrow('no');
  expect(await sql.rows('select 1 from fledge_replica')).toEqual([]);
});
