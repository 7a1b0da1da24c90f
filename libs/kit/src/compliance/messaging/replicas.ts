import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@fledge/kit/testing';
import { SILENCE_MS } from '../../messaging/index.js';
import { EARS, type Hearing } from './chatter.js';
import { Chatter, type MessagingWorld } from './chatter-world.js';

const LISTENERS = ['first', 'second'];
const topicsOf = (what: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${what} ${i}`);

/** Records when a listener handles two events of one topic at once, in any replica. */
function watchOverlaps(work: (attempt: Hearing) => Promise<void>): string[] {
  const running = new Set<string>();
  const overlaps: string[] = [];
  EARS.during = async (attempt) => {
    const key = `${attempt.listener}:${attempt.topic}`;
    if (running.has(key)) overlaps.push(`${key}:${attempt.number}`);
    running.add(key);
    try {
      await work(attempt);
    } finally {
      running.delete(key);
    }
  };
  return overlaps;
}

/** How replicas of one module divide work and hand it over. */
export function describeReplicas(world: MessagingWorld): void {
  describe(`replicas over ${world.name}`, () => {
    let chatter: Chatter;

    beforeEach(async () => {
      chatter = await Chatter.start(world);
    });
    afterEach(async () => {
      EARS.clear();
      await chatter?.stop();
    });

    it('that come and go hand on each event once, in order of its key, and never two of a key at once', async () => {
      const topics = topicsOf('shared', 50);
      const overlaps = watchOverlaps(() => sleep(2));
      await chatter.join();
      const saying = (async () => {
        for (let number = 1; number <= 10; number++) for (const topic of topics) await chatter.say(topic, number, 1);
      })();
      const changing = (async () => {
        await eventually(
          async () => expect((await chatter.rows('listener', 'select 1 from heard')).length).toBeGreaterThan(100),
          'work under way',
          60_000,
        );
        await Promise.all([chatter.leave(), chatter.join()]);
      })();
      await Promise.all([saying, changing]);
      for (const listener of LISTENERS) await chatter.untilAll(listener, topics, 10);
      expect(overlaps).toEqual([]);
    });

    it('that drain let their handlers end and commit, and the next one goes on without waiting for their silence', async () => {
      const topics = topicsOf('drained', 8);
      const ran: string[] = [];
      let began = 0;
      EARS.during = async ({ listener, topic, number }) => {
        began += 1;
        await sleep(number === 1 ? 400 : 0);
        ran.push(`${listener}:${topic}:${number}`);
      };
      for (const topic of topics) await chatter.say(topic, 1, 1);
      await chatter.join();
      await eventually(() => began > 0, 'a handler under way');
      await chatter.leave();
      const drainedAt = performance.now();
      const before = ran.length;
      for (const topic of topics) await chatter.say(topic, 2, 1);
      await eventually(() => ran.length > before, 'work at the next replica');
      // at once, but a busy machine may be slow; the limit still tells it from waiting until a replica is silent
      expect(performance.now() - drainedAt).toBeLessThan(SILENCE_MS / 2);
      for (const listener of LISTENERS) await chatter.untilAll(listener, topics, 2);
      expect(new Set(ran).size).toBe(ran.length);
    });

    // A look for one consumer skipped what another one had in memory, so that under load a key's later message came
    // first.
    it('keep the order of keys whatever fails and however slow it is, on a busy machine', async () => {
      const topics = topicsOf('slow', 24);
      const failed = new Map<string, number>();
      // no seed: which attempt draws which chance is up to the machine, so that a seed would repeat nothing
      const overlaps = watchOverlaps(() => sleep(Math.random() * 12));
      EARS.fails = ({ listener, topic, number }) => {
        const id = `${listener}:${topic}:${number}`;
        const times = failed.get(id) ?? 0;
        if (times === 2 || Math.random() >= 0.15) return undefined;
        failed.set(id, times + 1);
        return new Error('not now');
      };
      const busy = setInterval(() => {
        for (const until = performance.now() + 12; performance.now() < until;) continue;
      }, 20);
      try {
        await chatter.join();
        const all = Array.from({ length: 12 }, (_, i) => i + 1);
        await Promise.all(
          topics.map(async (topic) => {
            for (const number of all) await chatter.say(topic, number, 1);
          }),
        );
        for (const listener of LISTENERS) await chatter.untilAll(listener, topics, 12, 60_000);
      } finally {
        clearInterval(busy);
      }
      expect(failed.size).toBeGreaterThan(20);
      expect(overlaps).toEqual([]);
    });
  });
}
