import { randomUUID } from 'node:crypto';
import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { eventually } from '../../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import type { StoredMessage } from '../../transport/index.js';
import { type DurableConsumer, resolveRules } from '../consumers/consumer.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { Inbox } from './inbox.js';
import { Membership } from '../replicas/membership.js';
import { register } from './registry.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { type Sql, sqlOf } from '../storage/sql.js';

describe('the inbox of a module', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  let sql: Sql;
  let membership: Membership;
  let inbox: Inbox;

  beforeEach(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'hall',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    });
    sql = sqlOf(source);
    membership = new Membership(sql);
    inbox = new Inbox(sql, 'hall', membership);
  });
  afterEach(async () => {
    await membership.stop();
    await source.destroy();
    await database.drop();
  });

  const message = (kind: StoredMessage['kind'], name: string): StoredMessage => ({
    id: randomUUID(),
    kind,
    name,
    source: 'a',
    target: kind === 'command' ? 'hall' : undefined,
    key: 'k',
    payload: '{}',
    headers: {},
    occurredAt: new Date().toISOString(),
  });

  // a new module read the whole log, and took what was published before it existed
  it('stores nothing that is older than a consumer that begins now, wherever it comes from', async () => {
    const consumer = (name: string, startFrom: 'now' | 'beginning'): DurableConsumer => ({
      name,
      kind: 'event',
      knows: [],
      takes: ['a.said'],
      rules: resolveRules({ startFrom }, name),
      handle: () => Promise.resolve(),
    });
    await register(sql, [consumer('now', 'now'), consumer('all', 'beginning')]);
    const [early, late] = [
      { ...message('event', 'a.said.v1'), occurredAt: '2026-01-01T00:00:00.000Z' },
      message('event', 'a.said.v1'),
    ];
    await inbox.accept([early, late]);
    expect(await sql.rows('select consumer, message_id as id from fledge_inbox order by position')).toEqual(
      [
        { consumer: 'all', id: early.id },
        { consumer: 'now', id: late.id },
        { consumer: 'all', id: late.id },
      ].sort((a, b) => Number(a.id === late.id) - Number(b.id === late.id)),
    );
  });

  // what was published after the clock was set back looked older than its consumer, and was dropped
  it('takes what is published after the clock of the database was set back', async () => {
    await register(sql, [
      {
        name: 'now',
        kind: 'event',
        knows: [],
        takes: ['a.said'],
        rules: resolveRules({}, 'now'),
        handle: () => Promise.resolve(),
      },
    ]);
    await sql.rows("update fledge_consumer set begins_at = begins_at + interval '10 minutes'");
    await inbox.accept([message('event', 'a.said.v1')]);
    expect(await sql.rows('select consumer from fledge_inbox')).toEqual([{ consumer: 'now' }]);
  });

  it('takes it even if that clock was set forwards again before it arrived', async () => {
    await register(sql, [
      {
        name: 'now',
        kind: 'event',
        knows: [],
        takes: ['a.said'],
        rules: resolveRules({}, 'now'),
        handle: () => Promise.resolve(),
      },
    ]);
    await sql.rows("update fledge_consumer set begins_at = begins_at + interval '10 minutes'");
    await inbox.start();
    // as if the clock was set forwards: everything is ten minutes older
    await sql.rows("update fledge_consumer set begins_at = begins_at - interval '10 minutes'");
    await inbox.accept([
      { ...message('event', 'a.said.v1'), occurredAt: new Date(Date.now() - 600_000).toISOString() },
    ]);
    expect(await sql.rows('select consumer from fledge_inbox')).toEqual([{ consumer: 'now' }]);
  });

  // they were dropped silently: their module says that it wants them, but stored them for no consumer
  it('keeps a command that arrived before any replica had its handler, until one has', async () => {
    const early = message('command', 'hall.sweep.v1');
    expect(inbox.wants(early)).toBe(true);
    await inbox.accept([early, early, message('event', 'a.unheard.v1')]);
    expect(await sql.rows('select consumer, message_id as id, state from fledge_inbox')).toEqual([
      { consumer: 'hall.sweep', id: early.id, state: 'ready' },
    ]);

    const got: string[] = [];
    const sweeper: DurableConsumer = {
      name: 'hall.sweep',
      kind: 'command',
      knows: [],
      takes: ['hall.sweep'],
      rules: resolveRules({}, 'sweeper'),
      handle: ({ id }) => Promise.resolve(void got.push(id)),
    };
    const dispatcher = new Dispatcher({ module: 'hall', source, membership, consumers: [sweeper] });
    await register(sql, [sweeper]);
    await inbox.accept([early]);
    await membership.start();
    dispatcher.start();
    await eventually(() => got.length > 0, 'it handled');
    await dispatcher.stop();
    expect(got).toEqual([early.id]);
  });
});
