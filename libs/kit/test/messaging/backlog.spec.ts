import { eventually, testNatsUrl } from '@fledge/kit/testing';
import pg from 'pg';
import { Chatter } from '../../src/compliance/messaging/chatter-world.js';
import { PROCESS_WORLDS } from './worlds.js';
import { ChatterReplica } from './chatter-replica.js';

const BACKLOG = 20_000;
const KEYS = 200;
/** All of it together is more than twice the replica's memory limit. */
const PADDING = 16 * 1024;
const HEAP_MAX = 144;
const DRAINED_WITHIN_MS = 200_000;

/** Events that were published long ago, and never sent; spaces after the JSON make each one large. */
const LEFT_BEHIND = `
insert into talker.fledge_outbox (kind, name, key, partition, payload)
select 'event', 'talker.said.v1', topic, hashtext(topic) & 15, json_build_object('topic', topic, 'number', 1 + n / ${KEYS}) || repeat(' ', ${PADDING})
from (select n, 'topic ' || n % ${KEYS} as topic from generate_series(0, ${BACKLOG} - 1) n) numbered`;

describe.each(PROCESS_WORLDS)('a backlog that is larger than memory, over $name,', (world) => {
  let chatter: Chatter;
  let replica: ChatterReplica | undefined;
  let client: pg.Client;

  beforeEach(async () => {
    chatter = await Chatter.start(world);
    await chatter.leave();
    client = new pg.Client({ connectionString: chatter.databaseUrl });
    await client.connect();
  });
  afterEach(async () => {
    await client.end();
    await replica?.kill();
    replica = undefined;
    await chatter.stop();
  });

  it(
    'drains in bounded memory, each event once per consumer and in the order of its key, together with new ones',
    async () => {
      await client.query(LEFT_BEHIND);
      replica = await ChatterReplica.start({
        databaseUrl: chatter.databaseUrl,
        natsUrl: world.name === 'local' ? undefined : testNatsUrl(),
        namespace: chatter.namespace,
        heapMax: HEAP_MAX,
      });
      const first = await replica.rssMax();
      expect(await replica.say('topic new', 1, 1)).toBe(true);
      const heard = async (): Promise<number> =>
        (await client.query<{ count: number }>('select count(*)::int as count from listener.heard')).rows[0]?.count ??
        0;
      await eventually(async () => expect(await heard()).toBe(2 * (BACKLOG + 1)), 'all of it', DRAINED_WITHIN_MS);
      const misplaced =
        'select 1 from (select number, row_number() over (partition by listener, topic order by id) as place from listener.heard) placed where number <> place';
      expect((await client.query(misplaced)).rows).toEqual([]);
      expect((await replica.rssMax()) - first).toBeLessThan((BACKLOG * PADDING) / 2);
    },
    DRAINED_WITHIN_MS + 30_000,
  );
});
