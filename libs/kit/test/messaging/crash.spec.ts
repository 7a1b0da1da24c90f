import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, testNatsUrl } from '@fledge/kit/testing';
import { EARS } from '../../src/compliance/messaging/chatter.js';
import { Chatter } from '../../src/compliance/messaging/chatter-world.js';
import { PROCESS_WORLDS } from './worlds.js';
import { ChatterReplica } from './chatter-replica.js';

const LISTENERS = ['first', 'second'];
const POINTS = ['before-commit', 'after-commit', 'after-send', 'after-accept', 'after-handle', 'after-handled'];
/** The points at which a replica holds something that another one takes over in the meantime. */
const HOLDING_POINTS = ['after-send', 'after-accept', 'after-handle'];
/** How often a replica passes its point before it is struck there. */
const SPARED = 20;
const TOPICS_EACH = 3;
const PAUSE_MS = 50;
const LOST =
  /gets no connection|already released|Connection terminated|connection error|idle-in-transaction|terminating connection|ECONNRESET/;
/** PostgreSQL ends the transaction of a frozen handler, whose rows the next holder waits for, after a minute. */
const ALL_WITHIN_MS = 90_000;

describe.each(PROCESS_WORLDS)('replicas that are killed or frozen over $name', (world) => {
  let chatter: Chatter;
  let replicas: ChatterReplica[] = [];

  beforeEach(async () => {
    chatter = await Chatter.start(world);
    await chatter.leave();
  });
  afterEach(async () => {
    await Promise.all(replicas.map((replica) => replica.kill()));
    replicas = [];
    EARS.clear();
    await chatter.stop();
  });

  const topicsOf = (replica: number): string[] =>
    Array.from({ length: TOPICS_EACH }, (_, i) => `said by ${replica}, ${i}`);
  const ofAll = (): string[] => replicas.flatMap((_, i) => topicsOf(i));

  /**
   * Starts a replica that is struck at a point, and soon holds everything, because those before it are already struck.
   */
  async function struck(signal: 'SIGKILL' | 'SIGSTOP', point: string): Promise<ChatterReplica> {
    const natsUrl = world.name === 'local' ? undefined : testNatsUrl();
    const replica = await ChatterReplica.start({
      databaseUrl: chatter.databaseUrl,
      natsUrl,
      namespace: chatter.namespace,
      grief: { point, signal, after: SPARED },
    });
    replicas.push(replica);
    return replica;
  }

  /** Makes a replica publish until it ends, or is told to stop. */
  async function talkOf(
    replica: ChatterReplica,
    topics: readonly string[],
    isOver: () => boolean = () => false,
  ): Promise<void> {
    for (let number = 1; replica.isAlive && !isOver(); number++) {
      for (const topic of topics) if (isOver() || !(await says(replica, topic, number))) return;
      await sleep(PAUSE_MS);
    }
  }

  /**
   * Whether the event was published. A replica frozen for too long has lost its transaction, its connection, or its
   * wait for one.
   */
  async function says(replica: ChatterReplica, topic: string, number: number): Promise<boolean> {
    try {
      return await replica.say(topic, number, 1);
    } catch (error) {
      if (LOST.test(String(error))) return false;
      throw error;
    }
  }

  /**
   * Continues each topic where the outbox says that it was interrupted, and waits until everything was heard as it was
   * said.
   */
  async function finish(): Promise<void> {
    const rows = await chatter.rows<{ key: string; last: number }>(
      'talker',
      "select key, max((payload::json->>'number')::int) as last from fledge_outbox where key = any($1) group by key",
      [ofAll()],
    );
    const last = new Map(rows.map((row) => [row.key, row.last]));
    const each = Math.max(...last.values()) + 3;
    for (const topic of ofAll()) await chatter.say(topic, (last.get(topic) ?? 0) + 1, each - (last.get(topic) ?? 0));
    for (const listener of LISTENERS) await chatter.untilAll(listener, ofAll(), each, ALL_WITHIN_MS);
  }

  it("lose nothing, duplicate nothing and keep the order of keys, killed at each point on a message's way", async () => {
    for (const [i, point] of POINTS.entries()) {
      const replica = await struck('SIGKILL', point);
      await talkOf(replica, topicsOf(i));
      expect(await replica.ended).toBe('SIGKILL');
    }
    await chatter.join();
    await finish();
  }, 300_000);

  it('change nothing when they continue after others have taken over from them', async () => {
    let over = false;
    const talks: Promise<void>[] = [];
    for (const [i, point] of HOLDING_POINTS.entries()) {
      const replica = await struck('SIGSTOP', point);
      talks.push(talkOf(replica, topicsOf(i), () => over));
      await eventually(() => replica.isFrozen(), `${point} to freeze it`, ALL_WITHIN_MS);
    }
    over = true;
    await chatter.join();
    await chatter.say('said meanwhile', 1, 5);
    for (const listener of LISTENERS) await chatter.until(listener, 'said meanwhile', [1, 2, 3, 4, 5], ALL_WITHIN_MS);
    for (const replica of replicas) replica.goOn();
    await Promise.all(talks);
    await finish();
  }, 300_000);
});
