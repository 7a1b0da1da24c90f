import { contextOf, DeadLetters, NoDeadLetter, withContext } from '@fledge/kit';
import { eventually } from '@fledge/kit/testing';
import { EventBus } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { ChatContext, EARS, Said } from './chatter.js';
import { Chatter, type MessagingWorld } from './chatter-world.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** What events guarantee: delivery once, in the order of their key, all or nothing, with retries and dead letters. */
export function describeEvents(world: MessagingWorld): void {
  describe(`events over ${world.name}`, () => {
    let chatter: Chatter;

    beforeAll(async () => {
      chatter = await Chatter.start(world);
    });
    afterEach(() => {
      EARS.tries.length = 0;
      EARS.fails = () => undefined;
      EARS.during = () => undefined;
    });
    afterAll(() => chatter?.stop());

    const publishIn = (work: (events: EventBus, source: DataSource) => Promise<void>): Promise<void> => {
      const app = chatter.app('talker');
      return work(app.get(EventBus, { strict: false }), app.get(DataSource));
    };

    it('reach every consumer once, in the order of their key', async () => {
      await chatter.say('order', 1, 20);
      await chatter.say('order', 21, 20);
      await chatter.until('first', 'order', upTo(40));
      await chatter.until('second', 'order', upTo(40));
      expect(EARS.tries.filter((tried) => tried.includes(':order:'))).toHaveLength(80);
    });

    it("carry the application's context of the work that published them, also when they are tried again", async () => {
      const seen: unknown[] = [];
      EARS.during = ({ topic, number }) => {
        if (topic === 'context') seen.push([number, contextOf(ChatContext).tenant]);
      };
      EARS.fails = ({ topic, number }) =>
        topic === 'context' && number === 1 && seen.length === 1 ? new Error('once') : undefined;
      const tenant = 'ß \u0000 \ud800 "\\"';
      await withContext(ChatContext, { tenant }, () => chatter.say('context', 1, 1));
      await chatter.until('first', 'context', [1]);
      await chatter.until('second', 'context', [1]);
      expect(seen).toEqual([1, 2, 3].map(() => [1, tenant]));
      await chatter.say('context', 2, 1);
      await chatter.until('first', 'context', [1, 2]);
      await chatter.until('second', 'context', [1, 2]);
      expect(seen.slice(3)).toEqual([1, 2].map(() => [2, undefined]));
    });

    it('are refused without a transaction, with the cure', async () => {
      await publishIn((events) => {
        expect(() => events.publish(new Said({ topic: 'none', number: 1 }))).toThrow(
          expect.objectContaining({
            code: 'fledge.no-open-transaction',
            hint: expect.stringContaining('dataSource.transaction') as string,
          }),
        );
        return Promise.resolve();
      });
    });

    it('are refused when they do not fit their contract, before anything is stored', async () => {
      await publishIn(async (events, source) => {
        await source.transaction(() => {
          expect(() => events.publish(new Said({ topic: '', number: 1.5 }))).toThrow(
            expect.objectContaining({ code: 'fledge.invalid-message' }),
          );
          return Promise.resolve();
        });
      });
    });

    it('leave nothing when the transaction, or the nested one that published them, is rolled back', async () => {
      const lost = new Error('lost');
      await publishIn(async (events, source) => {
        const failing = source.transaction(() => {
          events.publish(new Said({ topic: 'rollback', number: 1 }));
          return Promise.reject(lost);
        });
        await expect(failing).rejects.toBe(lost);
        await source.transaction(async () => {
          const nested = source.transaction(() => {
            events.publish(new Said({ topic: 'rollback', number: 2 }));
            return Promise.reject(lost);
          });
          await expect(nested).rejects.toBe(lost);
          await source.transaction(() => {
            events.publish(new Said({ topic: 'rollback', number: 3 }));
            return Promise.resolve();
          });
        });
      });
      await chatter.until('first', 'rollback', [3]);
      expect(await chatter.rows('talker', "select 1 from fledge_outbox where key = 'rollback'")).toHaveLength(1);
    });

    it('keep the order of commits when two transactions are open on one key, and an open one delays no other', async () => {
      await publishIn(async (events, source) => {
        let end: () => void = () => undefined;
        const ended = new Promise<void>((resolve) => (end = resolve));
        const slow = source.transaction(async () => {
          events.publish(new Said({ topic: 'commits', number: 2 }));
          await ended;
        });
        await source.transaction(() => {
          events.publish(new Said({ topic: 'commits', number: 1 }));
          events.publish(new Said({ topic: 'others', number: 1 }));
          return Promise.resolve();
        });
        await chatter.until('first', 'others', [1]);
        await chatter.until('first', 'commits', [1]);
        end();
        await slow;
      });
      await chatter.until('first', 'commits', [1, 2]);
    });

    it('are tried again by the consumer that failed, and by no other; its other keys flow on', async () => {
      let failures = 2;
      EARS.fails = ({ listener, topic }) =>
        listener === 'first' && topic === 'again' && failures-- > 0 ? new Error('not yet') : undefined;
      await chatter.say('again', 1, 3);
      await chatter.say('other', 1, 3);
      await chatter.until('first', 'other', upTo(3));
      await chatter.until('first', 'again', upTo(3));
      await chatter.until('second', 'again', upTo(3));
      expect(EARS.tries.filter((tried) => tried === 'first:again:1')).toHaveLength(3);
      expect(EARS.tries.filter((tried) => tried.startsWith('second:again'))).toHaveLength(3);
    });

    it('are dead letters after exactly the configured tries, with their history, and block their key or let it go', async () => {
      EARS.fails = ({ topic, number }) => (topic === 'dead' && number === 1 ? new Error('never') : undefined);
      await chatter.say('dead', 1, 3);
      await chatter.until('second', 'dead', [2, 3]);
      await eventually(
        async () =>
          expect(await chatter.rows('listener', "select 1 from fledge_dead_letter where key = 'dead'")).toHaveLength(2),
        'two dead letters',
      );
      const letters = await chatter.rows<{
        consumer: string;
        attempts: number;
        history: { attempt: number; message: string }[];
      }>('listener', "select consumer, attempts, history from fledge_dead_letter where key = 'dead' order by consumer");
      for (const letter of letters)
        expect(letter).toMatchObject({
          attempts: 3,
          history: [1, 2, 3].map((attempt) => ({ attempt, message: 'never' })),
        });
      for (const listener of ['first', 'second'])
        expect(EARS.tries.filter((tried) => tried === `${listener}:dead:1`)).toHaveLength(3);
      expect(await chatter.heard('first', 'dead')).toEqual([]);
    });

    it('are sent again to the consumer that failed and to no other, before what waits of their key', async () => {
      const letters = chatter.app('listener').get(DeadLetters);
      const blocked = (await letters.list({ consumer: 'first' })).find(({ key }) => key === 'dead');
      expect(blocked).toMatchObject({
        name: 'talker.said.v1',
        source: 'talker',
        attempts: 3,
        reason: 'failed 3 times',
        state: 'dead',
      });
      const id = blocked?.messageId as string;
      expect(await letters.show('first', id)).toMatchObject({
        payload: JSON.stringify({ topic: 'dead', number: 1 }),
        history: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }],
      });
      await letters.resend('first', id);
      await chatter.until('first', 'dead', upTo(3));
      expect(EARS.tries).toEqual(['first:dead:1', 'first:dead:2', 'first:dead:3']);
      await expect(letters.resend('first', id)).rejects.toThrow(NoDeadLetter);
      expect(await letters.list({ consumer: 'first', state: 'resent' })).toHaveLength(1);
    });

    it('let the rest of their key go on when they are abandoned', async () => {
      EARS.fails = ({ listener, topic, number }) =>
        listener === 'first' && topic === 'given up' && number === 1 ? new Error('never') : undefined;
      await chatter.say('given up', 1, 3);
      const letters = chatter.app('listener').get(DeadLetters);
      const find = async (): Promise<string | undefined> =>
        (await letters.list({ consumer: 'first' })).find(({ key }) => key === 'given up')?.messageId;
      await eventually(async () => (await find()) !== undefined, 'a dead letter');
      const id = (await find()) as string;
      await letters.abandon('first', id);
      await chatter.until('first', 'given up', [2, 3]);
      await expect(letters.abandon('first', id)).rejects.toThrow(NoDeadLetter);
    });

    it('of a version that nobody knows are dead letters at once, and so are those that do not fit', async () => {
      const put = (name: string, payload: string): Promise<unknown> =>
        chatter.rows(
          'talker',
          "insert into fledge_outbox (kind, name, key, partition, payload) values ('event', $1, 'odd', hashtext('odd') & 15, $2)",
          [name, payload],
        );
      await put('talker.said.v2', '{"what":"new"}');
      await put('talker.said.v1', '{"topic":"odd","number":"none"}');
      const reasons = async (): Promise<unknown[]> =>
        chatter.rows(
          'listener',
          "select reason, attempts from fledge_dead_letter where consumer = 'second' and key = 'odd' order by died_at",
        );
      await eventually(
        async () =>
          expect(await reasons()).toEqual([
            { reason: 'unknown version', attempts: 1 },
            { reason: 'invalid message', attempts: 1 },
          ]),
        'two dead letters',
      );
      expect(EARS.tries.filter((tried) => tried.includes('odd'))).toEqual([]);
    });

    it('wait in the outbox while nobody takes them, and come after a restart', async () => {
      await chatter.say('restart', 1, 5);
      await chatter.restart();
      await chatter.say('restart', 6, 5);
      await chatter.until('first', 'restart', upTo(10));
      await chatter.until('second', 'restart', upTo(10));
    });

    it('are in nobody’s way when nobody handles them', async () => {
      await eventually(
        async () =>
          expect(await chatter.rows('talker', 'select 1 from fledge_outbox where sent_at is null')).toHaveLength(0),
        'an empty outbox',
      );
    });

    it('that come again change nothing', async () => {
      await chatter.say('twice', 1, 5);
      await chatter.until('first', 'twice', upTo(5));
      await chatter.rows('talker', "update fledge_outbox set sent_at = null, id = id where key = 'twice'");
      await chatter.say('twice', 6, 1);
      await chatter.until('first', 'twice', upTo(6));
      expect(EARS.tries.filter((tried) => tried.startsWith('first:twice'))).toHaveLength(6);
    });
  });
}
