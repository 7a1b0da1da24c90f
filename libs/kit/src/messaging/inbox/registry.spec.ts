import { openModuleData, type ModuleDataSource } from '../../data/index.js';
import { freshDatabase, type FreshDatabase } from '../../testing/fresh-database.js';
import { type DurableConsumer, resolveRules } from '../consumers/consumer.js';
import { Membership } from '../replicas/membership.js';
import { register } from './registry.js';
import { MESSAGING_MIGRATIONS } from '../storage/schema.js';
import { type Sql, sqlOf } from '../storage/sql.js';

describe('what the consumers of a module take', () => {
  let database: FreshDatabase;
  let source: ModuleDataSource;
  let sql: Sql;

  beforeEach(async () => {
    database = await freshDatabase();
    source = await openModuleData({
      module: 'hall',
      url: database.url,
      entities: [],
      migrations: MESSAGING_MIGRATIONS,
    });
    sql = sqlOf(source);
  });
  afterEach(async () => {
    await source.destroy();
    await database.drop();
  });

  const taking = (...takes: string[]): DurableConsumer => ({
    name: 'mails',
    kind: 'event',
    knows: [],
    takes,
    rules: resolveRules({}, 'mails'),
    handle: () => Promise.resolve(),
  });
  const taken = async (): Promise<string[]> =>
    (await sql.rows<{ takes: string[] }>('select takes from fledge_consumer'))[0]?.takes ?? [];

  // an older replica that was restarted during a deployment made newer ones lose messages that they had begun to take
  it('is what any live replica takes, however old the one that starts is', async () => {
    await register(sql, [taking('a.old', 'a.both', 'a.new')]);
    const newer = new Membership(sql);
    await newer.start();
    await register(sql, [taking('a.old', 'a.both')]);
    expect(await taken()).toEqual(['a.old', 'a.both', 'a.new']);
    await register(sql, [taking('a.both', 'a.newest')]);
    expect(await taken()).toEqual(['a.old', 'a.both', 'a.new', 'a.newest']);
    await newer.stop();
  });

  it('is what the only replica takes when no other one is left', async () => {
    await register(sql, [taking('a.old', 'a.both')]);
    await register(sql, [taking('a.both', 'a.new')]);
    expect(await taken()).toEqual(['a.both', 'a.new']);
  });
});
