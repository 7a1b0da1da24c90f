import { eventually } from '@fledge/kit/testing';
import { EARS } from '../../src/compliance/messaging/chatter.js';
import { Chatter } from '../../src/compliance/messaging/chatter-world.js';
import { WORLDS } from './worlds.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const local = WORLDS.find(({ name }) => name === 'local');
if (!local) throw new Error('the local world is gone');
/** Longer than a hand-over waits for a handler. */
const SLOW_MS = 200;

interface Written {
  readonly how: string;
  readonly state: string;
}

describe('an event of a module in the same process', () => {
  let chatter: Chatter;
  let topics = 0;

  beforeAll(async () => {
    chatter = await Chatter.start(local);
    await chatter.rows(
      'listener',
      'create table written (key text, consumer text, number text, how text, state text, xact text default pg_current_xact_id()::text, id bigint generated always as identity)',
    );
    await chatter.rows(
      'listener',
      `create function note_written() returns trigger language plpgsql as
      'begin insert into written (key, consumer, number, how, state) values (new.key, new.consumer, new.payload::json->>''number'', tg_op, new.state); return new; end'`,
    );
    await chatter.rows(
      'listener',
      'create trigger note_written after insert or update on fledge_inbox for each row execute function note_written()',
    );
  });
  afterEach(() => EARS.clear());
  afterAll(() => chatter.stop());

  const writtenOf = (key: string, consumer = 'first'): Promise<Written[]> =>
    chatter.rows<Written>('listener', 'select how, state from written where key = $1 and consumer = $2 order by id', [
      key,
      consumer,
    ]);

  /**
   * Waits until messages are handled before they are stored: each module knows that it is alone, that nothing is held,
   * and that no handler is slow.
   */
  async function ready(count = 1): Promise<void> {
    await eventually(
      async () => {
        const topic = `ready ${++topics}`;
        await chatter.say(topic, 1, count);
        for (const listener of ['first', 'second']) await chatter.until(listener, topic, upTo(count));
        for (const listener of ['first', 'second'])
          expect(await writtenOf(topic, listener)).toEqual(
            upTo(count).map(() => ({ how: 'INSERT', state: 'handled' })),
          );
      },
      'messages that are handled before they are stored',
      60_000,
    );
  }

  it('is handled before it is stored: one row is written, by the transaction of its handler', () => ready(3), 90_000);

  it('is stored when its handler is slow, and later events of its key wait for it', async () => {
    await ready();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    EARS.during = ({ listener, topic, number }) =>
      listener === 'first' && topic === 'slow' && number === 1 ? held : undefined;
    await chatter.say('slow', 1, 1);
    await eventually(
      async () => expect(await writtenOf('slow')).toEqual([{ how: 'INSERT', state: 'ready' }]),
      'the stored message',
    );
    await chatter.say('slow', 2, 2);
    await chatter.until('second', 'slow', [1, 2, 3]);
    expect(await chatter.heard('first', 'slow')).toEqual([]);
    letGo();
    await chatter.until('first', 'slow', [1, 2, 3]);
    expect(EARS.tries.filter((tried) => tried.startsWith('first:slow:'))).toEqual([
      'first:slow:1',
      'first:slow:2',
      'first:slow:3',
    ]);
  }, 120_000);

  it('is stored as failed when its handler fails, and later events of its key wait for its next attempt', async () => {
    const failures = new Map<string, number>();
    EARS.fails = ({ listener, topic, number }) => {
      const times = failures.get(topic) ?? 0;
      if (listener !== 'first' || !topic.startsWith('failing') || number !== 2 || times === 2) return undefined;
      failures.set(topic, times + 1);
      return new Error('not yet');
    };
    await eventually(
      async () => {
        await ready();
        const topic = `failing ${++topics}`;
        await chatter.say(topic, 1, 4);
        await chatter.until('first', topic, upTo(4));
        expect(EARS.tries.filter((tried) => tried.startsWith(`first:${topic}:`))).toEqual(
          [1, 2, 2, 2, 3, 4].map((number) => `first:${topic}:${number}`),
        );
        const [inserted, failed] = await chatter.rows<{ xact: string }>(
          'listener',
          "select xact from written where key = $1 and consumer = 'first' and number = '2' order by id",
          [topic],
        );
        expect(inserted).toEqual(failed);
      },
      'a message that fails before it is stored',
      90_000,
    );
  }, 180_000);

  it('is not handed to its handler when its key is held', async () => {
    await ready();
    EARS.fails = ({ listener, topic, number }) =>
      listener === 'first' && topic === 'held' && number === 1 ? new Error('never') : undefined;
    await chatter.say('held', 1, 1);
    await eventually(
      async () =>
        expect(await chatter.rows('listener', "select 1 from fledge_dead_letter where key = 'held'")).toHaveLength(1),
      'a dead letter',
    );
    for (let number = 2; number <= 4; number++) await chatter.say('held', number, 1);
    await chatter.until('second', 'held', upTo(4));
    // this can only wait for time to pass: nothing shows when heartbeats have seen the hold, and no handler may start
    // before, during or after that
    for (let number = 5; number <= 12; number++) {
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS * 2));
      await chatter.say('held', number, 1);
    }
    await chatter.until('second', 'held', upTo(12));
    expect(EARS.tries.filter((tried) => tried.startsWith('first:held:') && tried !== 'first:held:1')).toEqual([]);
  }, 180_000);
});
