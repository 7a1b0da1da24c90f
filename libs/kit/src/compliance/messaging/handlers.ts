import { DeadLetters } from '@fledge/kit';
import { eventually } from '@fledge/kit/testing';
import { EARS, Hopeless } from './chatter.js';
import { Chatter, type MessagingWorld } from './chatter-world.js';

const BEHIND = process.env.FLEDGE_WHOLE === '1' ? 2_000 : 500;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** What handlers of events may do, and what happens when they fail. */
export function describeHandlers(world: MessagingWorld): void {
  describe(`handlers of events over ${world.name}`, () => {
    let chatter: Chatter;

    beforeEach(async () => {
      chatter = await Chatter.start(world);
    });
    afterEach(async () => {
      EARS.clear();
      await chatter?.stop();
    });

    const letters = (
      topic: string,
    ): Promise<
      { consumer: string; attempts: number; reason: string; history: { attempt: number; message: string }[] }[]
    > =>
      chatter.rows(
        'listener',
        'select consumer, attempts, reason, history from fledge_dead_letter where key = $1 order by consumer',
        [topic],
      );
    const triesOf = (listener: string, topic: string, number: number): number =>
      EARS.tries.filter((tried) => tried === `${listener}:${topic}:${number}`).length;

    it('of a new consumer begin with the past or with the present, as it says', async () => {
      await chatter.say('news', 1, 5);
      await chatter.until('first', 'news', upTo(5));
      await chatter.join('newer');
      await chatter.say('news', 6, 5);
      await chatter.until('hasty', 'news', upTo(10));
      await chatter.until('late', 'news', [6, 7, 8, 9, 10]);
      await chatter.until('first', 'news', upTo(10));
      expect(await chatter.heard('first', 'news')).toEqual(upTo(10));
    });

    it('that hang are given up after their time, and are dead letters at exactly the configured attempt', async () => {
      await chatter.join('newer');
      EARS.during = async ({ listener, topic, number }) => {
        if (listener === 'hasty' && topic === 'hangs' && number === 1) await new Promise(() => undefined);
      };
      await chatter.say('hangs', 1, 3);
      await chatter.until('hasty', 'hangs', [2, 3]);
      await chatter.until('first', 'hangs', upTo(3));
      expect(triesOf('hasty', 'hangs', 1)).toBe(2);
      expect(await letters('hangs')).toMatchObject([
        {
          consumer: 'hasty',
          attempts: 2,
          history: [{ attempt: 1, message: expect.stringContaining('300 ms') as string }, { attempt: 2 }],
        },
      ]);
    });

    it('that throw what is declared not retryable are dead letters at the first attempt', async () => {
      await chatter.join('newer');
      EARS.fails = ({ listener, topic, number }) =>
        listener === 'hasty' && topic === 'hopeless' && number === 2 ? new Hopeless('no use') : undefined;
      await chatter.say('hopeless', 1, 3);
      await chatter.until('hasty', 'hopeless', [1, 3]);
      expect(triesOf('hasty', 'hopeless', 2)).toBe(1);
      expect(await letters('hopeless')).toMatchObject([
        { consumer: 'hasty', attempts: 1, history: [{ attempt: 1, message: 'no use' }] },
      ]);
    });

    it('hold a blocked key however much comes behind, let others flow, and go on in order when it is mended', async () => {
      EARS.fails = ({ listener, topic, number }) =>
        listener === 'first' && topic === 'blocked' && number === 1 ? new Error('not yet') : undefined;
      await chatter.say('blocked', 1, 1);
      await eventually(async () => expect(await letters('blocked')).toHaveLength(1), 'a dead letter');
      await chatter.say('blocked', 2, BEHIND - 1);
      await chatter.say('free', 1, 50);
      await chatter.until('first', 'free', upTo(50));
      await chatter.until('second', 'blocked', upTo(BEHIND), 120_000);
      expect(await chatter.heard('first', 'blocked')).toEqual([]);
      EARS.fails = () => undefined;
      const store = chatter.app('listener').get(DeadLetters);
      for (const { consumer, messageId } of await store.list({ consumer: 'first' }))
        await store.resend(consumer, messageId);
      // New ones arrive together with those that waited.
      await chatter.say('blocked', BEHIND + 1, 20);
      await chatter.until('first', 'blocked', upTo(BEHIND + 20), 120_000);
      expect(triesOf('first', 'blocked', BEHIND)).toBe(1);
    }, 300_000);
  });
}
