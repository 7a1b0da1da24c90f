import { eventually } from '@fledge/kit/testing';
import { answerTo, MOUTH, SECRET, WHISPERS } from './chatter.js';
import { Chatter, type MessagingWorld } from './chatter-world.js';

/** What durable commands guarantee: they are handled once, in the order of their key, whatever fails in between. */
export function describeCommands(world: MessagingWorld): void {
  describe(`durable commands over ${world.name}`, () => {
    let chatter: Chatter;

    beforeAll(async () => {
      chatter = await Chatter.start(world, 'answering');
    });
    afterEach(() => {
      MOUTH.fails = () => undefined;
    });
    afterAll(() => chatter?.stop());

    const answered = (topic: string, numbers: readonly number[]): Promise<void> =>
      chatter.until('first', answerTo(topic), numbers);

    it('are handled once, in the order in which they were sent', async () => {
      await chatter.say('question of order', 1, 20);
      await answered(
        'question of order',
        Array.from({ length: 20 }, (_, i) => i + 1),
      );
    });

    it('are handled again when their handler fails, before those behind them', async () => {
      let failures = 0;
      MOUTH.fails = ({ topic, from }) =>
        topic === answerTo('question of luck') && from === 1 && failures++ < 2 ? new Error('not yet') : undefined;
      await chatter.say('question of luck', 1, 3);
      await answered('question of luck', [1, 2, 3]);
      expect(failures).toBe(3);
    });

    it('are dead letters at once if their contract does not name the sender, and hold up nothing of their key', async () => {
      await chatter.say(SECRET, 1, 2);
      await answered(SECRET, [1, 2]);
      await eventually(
        async () =>
          expect(
            await chatter.rows(
              'talker',
              "select name, source, attempts, reason from fledge_dead_letter where consumer = 'talker.whisper'",
            ),
          ).toEqual(
            [1, 2].map(() => ({
              name: 'talker.whisper.v1',
              source: 'listener',
              attempts: 1,
              reason: 'access denied',
            })),
          ),
        'two dead letters',
      );
      expect(WHISPERS.count).toBe(0);
    });

    it('wait while nobody takes them, and are handled after a restart', async () => {
      let refused = 0;
      MOUTH.fails = ({ topic }) =>
        topic === answerTo('question of time') ? new Error(`not now, ${++refused}`) : undefined;
      await chatter.say('question of time', 1, 3);
      await eventually(() => refused > 0, 'the first one refused');
      await chatter.restart('answering');
      MOUTH.fails = () => undefined;
      await answered('question of time', [1, 2, 3]);
    });
  });
}
