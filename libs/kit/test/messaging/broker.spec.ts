import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay } from '@fledge/kit/operator';
import { eventually } from '@fledge/kit/testing';
import { jetstream } from '@nats-io/jetstream';
import { connect, headers as emptyHeaders } from '@nats-io/transport-node';
import { DataSource } from 'typeorm';
import type { ModuleDataSource } from '../../src/data/index.js';
import { sqlOf } from '../../src/messaging/storage/sql.js';
import { startNatsServer, type TestNatsServer } from '@fledge/cli/servers';
import { EARS } from '../../src/compliance/messaging/chatter.js';
import { Chatter } from '../../src/compliance/messaging/chatter-world.js';
import { natsWorld } from './worlds.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('events, when the broker', () => {
  let store: string;
  let broker: TestNatsServer;
  let chatter: Chatter;

  beforeEach(async () => {
    store = await mkdtemp(join(tmpdir(), 'fledge-store-'));
    broker = await startNatsServer({ store });
    chatter = await Chatter.start(natsWorld(() => broker.url));
  });
  afterEach(async () => {
    EARS.clear();
    await chatter.stop();
    await broker.stop();
    await rm(store, { recursive: true, force: true });
  });

  /** Replaces the broker: with its store, or an empty one. */
  async function comesBack({ wiped }: { readonly wiped: boolean }): Promise<void> {
    if (wiped) await rm(store, { recursive: true, force: true });
    broker = await startNatsServer({ store, port: broker.port });
  }

  const unsent = async (): Promise<number> =>
    (
      await chatter.rows<{ count: number }>(
        'talker',
        'select count(*)::int as count from fledge_outbox where sent_at is null',
      )
    )[0]?.count ?? 0;
  const triesOf = (listener: string, topic: string): number =>
    EARS.tries.filter((tried) => tried.startsWith(`${listener}:${topic}:`)).length;

  it('is away, are published nevertheless, and arrive when it is back', async () => {
    await chatter.say('away', 1, 5);
    await chatter.until('first', 'away', upTo(5));
    await broker.stop();
    for (let number = 6; number <= 25; number++) await chatter.say('away', number, 1);
    expect(await unsent()).toBe(20);
    await comesBack({ wiped: false });
    for (const listener of ['first', 'second']) await chatter.until(listener, 'away', upTo(25), 30_000);
    expect(triesOf('first', 'away')).toBe(25);
  }, 60_000);

  it('comes back with an empty store, are sent again by the relays, and are not handled twice', async () => {
    await chatter.say('wiped', 1, 10);
    for (const listener of ['first', 'second']) await chatter.until(listener, 'wiped', upTo(10));
    // sent, but never arrived
    await chatter.rows('listener', "delete from fledge_inbox where key = 'wiped' and consumer = 'first'");
    await chatter.rows('listener', "delete from heard where topic = 'wiped' and listener = 'first'");
    await broker.stop();
    await chatter.say('wiped', 11, 1);
    await comesBack({ wiped: true });
    for (const listener of ['first', 'second']) await chatter.until(listener, 'wiped', upTo(11), 30_000);
    await eventually(async () => expect(await unsent()).toBe(0), 'an empty outbox');
    expect(triesOf('second', 'wiped')).toBe(11);
  }, 60_000);

  it.each(['had', 'had not'])(
    'comes back without its newest messages, which their reader %s read, are sent again, and new ones are not lost',
    async (how) => {
      await chatter.say('tail', 1, 5);
      for (const listener of ['first', 'second']) await chatter.until(listener, 'tail', upTo(5));
      const [read] = await chatter.rows<{ sequence: string; id: string }>(
        'listener',
        'select sequence, message_id as id from fledge_log_position',
      );
      await broker.stop();
      await cp(store, `${store}-then`, { recursive: true });
      await comesBack({ wiped: false });
      await chatter.say('tail', 6, 10);
      for (const listener of ['first', 'second']) await chatter.until(listener, 'tail', upTo(15), 30_000);
      await broker.stop();
      if (how === 'had not') {
        await chatter.rows(
          'listener',
          "delete from fledge_inbox where key = 'tail' and consumer = 'first' and (payload::json->>'number')::int > 5",
        );
        await chatter.rows('listener', "delete from heard where topic = 'tail' and listener = 'first' and number > 5");
        await chatter.rows(
          'listener',
          `update fledge_log_position set sequence = ${read?.sequence}, message_id = '${read?.id}'`,
        );
      }
      await rm(store, { recursive: true });
      await cp(`${store}-then`, store, { recursive: true });
      await rm(`${store}-then`, { recursive: true });
      await comesBack({ wiped: false });
      await chatter.say('tail', 16, 3);
      for (const listener of ['first', 'second']) await chatter.until(listener, 'tail', upTo(18), 30_000);
      expect(triesOf('second', 'tail')).toBe(18);
    },
    90_000,
  );

  it('has a message that Fledge did not write, arrive nevertheless, and that message is skipped', async () => {
    const connection = await connect({ servers: broker.url });
    const publish = async (
      id: string,
      key: string,
      at: string,
      payload = '{"topic":"foreign","number":1}',
      source = 'talker',
    ): Promise<void> => {
      const headers = emptyHeaders();
      for (const [name, value] of [
        ['Nats-Msg-Id', id],
        ['Fledge-Source', source],
        ['Fledge-Key', key],
        ['Fledge-Occurred-At', at],
      ] as const)
        headers.set(name, value);
      await jetstream(connection).publish(`${chatter.namespace}._event.talker.said.v1`, payload, { headers });
    };
    await publish('7', 'foreign', '2026-01-01T00:00:00Z');
    await publish(randomUUID(), '100%', '2026-01-01T00:00:00Z');
    await publish(randomUUID(), '%00', '2026-01-01T00:00:00Z');
    await publish(randomUUID(), 'foreign', 'yesterday');
    await publish(randomUUID(), 'foreign', '1');
    await publish(randomUUID(), 'foreign', String(new Date()));
    await publish(randomUUID(), 'foreign', '0000-01-01T00:00:00Z');
    await publish(randomUUID(), 'k'.repeat(3_000), '2026-01-01T00:00:00Z');
    await publish(randomUUID(), 'foreign', '2026-01-01T00:00:00Z', '{"topic":"\0"}');
    // a dead letter of one of these would hold the key of the messages after it
    const sound = '2026-01-01T00:00:00Z';
    await publish(randomUUID(), 'foreign', sound, '{"topic":"foreign",');
    await publish(randomUUID(), 'foreign', sound, '7');
    await publish(randomUUID(), 'foreign', sound, '{"topic":"other","number":1}');
    await publish(randomUUID(), 'foreign', sound, '{"topic":"foreign","number":1}', 'listener');
    await connection.close();
    await chatter.say('foreign', 2, 2);
    for (const listener of ['first', 'second']) await chatter.until(listener, 'foreign', [2, 3]);
    const dead = await chatter.rows<{ count: number }>(
      'listener',
      'select count(*)::int as count from fledge_dead_letter',
    );
    expect(dead[0]?.count).toBe(0);
  });

  it('has lost its store, are sent again by a replay, and every consumer ends in the same state', async () => {
    const since = new Date();
    await chatter.say('replayed', 1, 10);
    for (const listener of ['first', 'second']) await chatter.until(listener, 'replayed', upTo(10));
    await chatter.rows('listener', "delete from fledge_inbox where key = 'replayed' and consumer = 'first'");
    await chatter.rows('listener', "delete from heard where topic = 'replayed' and listener = 'first'");
    await broker.stop();
    await comesBack({ wiped: true });
    await replay(sqlOf(chatter.app('talker').get(DataSource) as ModuleDataSource), 'talker', { since });
    await chatter.say('replayed', 11, 1);
    for (const listener of ['first', 'second']) await chatter.until(listener, 'replayed', upTo(11), 30_000);
    expect(triesOf('second', 'replayed')).toBe(11);
  }, 60_000);
});
