import { readFileSync } from 'node:fs';
import { Host, LocalTransport } from '@fledge/kit';
import { eventually, freshDatabase, type FreshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, nanos, type NatsConnection } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { Client } from 'pg';
import { Ask, errands, ROAD } from './errands.js';
import { fledge as fledgeOn, type Said } from './fledge.js';
import { EARS } from './talk.js';
import { LOCAL, NATS, Talk } from './talk.compliance.js';

Logger.overrideLogger(false);

/** The commands of the guide, without the name of the program and what is said of them. */
const GUIDE = (
  /```sh\n([^]*?)```/
    .exec(readFileSync('libs/kit/docs/guides/operations.md', 'utf8'))?.[1]
    ?.match(/^fledge [^#\n]*/gm) ?? []
).map((line) => line.slice('fledge '.length).trim());
const NO_ID = '00000000-0000-4000-8000-000000000000';
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe.each([LOCAL, NATS])('an operator of modules over $name', (world) => {
  let talk: Talk;
  const fledge = (line: string): Promise<Said> => fledgeOn(talk.database.url, ...line.split(' '));
  const ids = async (consumer: string): Promise<string[]> =>
    (
      JSON.parse((await fledge(`dead-letters list --module listener --consumer ${consumer} --json`)).out) as {
        messageId: string;
      }[]
    ).map(({ messageId }) => messageId);

  beforeAll(async () => {
    talk = await Talk.start(world);
  });
  afterEach(() => {
    EARS.tries = [];
    EARS.fails = () => undefined;
  });
  afterAll(() => talk.stop());

  it('sees a dead letter with all its details, and sends it again only to the consumer that failed', async () => {
    EARS.fails = ({ topic, number }) => (topic === 'dead' && number === 1 ? new Error('never\u001B[31m') : undefined);
    await talk.say('dead', 1, 3);
    await eventually(
      async () => expect([await ids('first'), await ids('second')].map(({ length }) => length)).toEqual([1, 1]),
      'a dead letter each',
    );
    const [id] = await ids('first');

    const listed = await fledge('dead-letters list --module listener');
    expect(listed.out).toMatch(/^MODULE {4}CONSUMER {2}ID {36}MESSAGE {9}KEY {3}TRIES {2}DIED +REASON\nlistener {2}/);
    expect(listed.out).toContain(`listener  first     ${id}  talker.said.v1  dead      3  `);
    expect(listed.out).toMatch(/2 dead letters\n$/);
    const shown = await fledge(`dead-letters show listener first ${id}`);
    expect(shown.out).toContain('reason     failed 3 times\n');
    expect(shown.out).toContain('payload\n  {\n    "topic": "dead",\n    "number": 1\n  }\ntry 1  ');
    expect(shown.out).toContain('never\uFFFD[31m');
    expect(shown.out.match(/^try \d/gm)).toEqual(['try 1', 'try 2', 'try 3']);

    await talk.until('second', 'dead', [2, 3]);
    const state = JSON.parse((await fledge('consumers --module listener --json')).out) as { consumers: unknown[] };
    expect(state.consumers).toEqual([
      expect.objectContaining({
        module: 'listener',
        name: 'first',
        waiting: 2,
        heldKeys: 1,
        dead: 1,
        oldestMs: expect.any(Number),
        lagMs: expect.any(Number),
        failedRuns: null,
      }),
      expect.objectContaining({ module: 'listener', name: 'second', waiting: 0, dead: 1, oldestMs: null, lagMs: null }),
    ]);

    const metrics = (await talk.metrics('listener'))
      .split('\n')
      .filter((line) => /^fledge_(?:outbox|inbox|dead)_.*module="listener"/.test(line));
    expect(metrics.filter((line) => line.includes('first') || line.includes('outbox'))).toEqual([
      'fledge_outbox_unsent{module="listener"} 0',
      'fledge_outbox_oldest_seconds{module="listener"} 0',
      'fledge_inbox_waiting{module="listener",consumer="first"} 2',
      expect.stringMatching(/^fledge_inbox_lag_seconds\{module="listener",consumer="first"\} \d+(\.\d+)?$/),
      'fledge_dead_letters{module="listener",consumer="first"} 1',
    ]);

    EARS.tries = [];
    EARS.fails = () => undefined;
    expect(await fledge(`dead-letters resend listener first ${id}`)).toEqual({
      code: 0,
      out: '1 dead letter resent: first of listener handles it again\n',
      err: '',
    });
    await talk.until('first', 'dead', [1, 2, 3]);
    expect(EARS.tries).toEqual(['first:dead:1', 'first:dead:2', 'first:dead:3']);
    expect((await fledge(`dead-letters resend listener first ${id}`)).code).toBe(1);
    expect((await fledge('dead-letters list --state resent')).out).toMatch(/\n1 dead letter that is resent\n$/);
  });

  it('sends all dead letters of a consumer again, or abandons them', async () => {
    EARS.fails = ({ listener, topic }) =>
      topic.startsWith('all-') && (listener === 'second' || topic === 'all-1') ? new Error('never') : undefined;
    for (const topic of ['all-1', 'all-2', 'all-3']) await talk.say(topic, 1, 2);
    await eventually(
      async () => expect([await ids('first'), await ids('second')].map(({ length }) => length)).toEqual([1, 7]),
      'eight dead letters',
    );
    await talk.until('first', 'all-3', [1, 2]);
    EARS.fails = () => undefined;
    EARS.tries = [];
    expect((await fledge('dead-letters resend listener second --all')).out).toBe(
      '7 dead letters resent: second of listener handles them again\n',
    );
    for (const topic of ['all-1', 'all-2', 'all-3']) await talk.until('second', topic, [1, 2]);
    expect(EARS.tries.filter((tried) => tried.startsWith('first'))).toEqual([]);
    expect(await fledge('dead-letters abandon listener first --all --json')).toMatchObject({
      code: 0,
      out: '{\n  "abandoned": 1\n}\n',
    });
    await talk.until('first', 'all-1', [2]);
    expect((await fledge('dead-letters resend listener first --all')).out).toBe('0 dead letters resent\n');
  });

  it('has messages sent again, which consumers that have handled them ignore', async () => {
    await talk.say('again', 1, 5);
    for (const listener of ['first', 'second']) await talk.until(listener, 'again', upTo(5));
    await talk.sent();
    const [{ count } = { count: 0 }] = await talk.rows<{ count: number }>(
      'talker',
      'select count(*)::int as count from fledge_outbox',
    );
    expect((await fledge('replay --module talker --since 1h')).out).toBe(
      `MODULE  MESSAGES\ntalker  ${String(count).padStart(8)}\n${count} messages marked unsent: the modules' relays send them again, and consumers ignore those that they have handled\n`,
    );
    await talk.sent();
    await talk.say('again', 6, 1);
    for (const listener of ['first', 'second']) await talk.until(listener, 'again', upTo(6));
    expect(EARS.tries.filter((tried) => tried.includes(':again:'))).toHaveLength(12);
  });

  it('does what the guide says, for a person and for a program', async () => {
    expect(GUIDE.length).toBeGreaterThan(3);
    await talk.say('guide', 1, 1);
    for (const line of GUIDE) {
      expect(await fledge(line)).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as string, err: '' });
      const { code, out } = await fledge(`${line} --json`);
      expect([code, typeof JSON.parse(out)]).toEqual([0, 'object']);
    }
  });

  it('forgets a consumer that the code no longer has, and the messages that wait for it', async () => {
    const query = async (text: string): Promise<unknown[]> => {
      const client = new Client({ connectionString: talk.database.url });
      await client.connect();
      try {
        return (await client.query<object>(text)).rows;
      } finally {
        await client.end();
      }
    };
    await query("insert into listener.fledge_consumer (name, kind, takes) values ('gone', 'event', '{talker.said}')");
    // as any change of the list does: each replica reads it with a new version of the view, at its next heartbeat at
    // the latest
    await query('update listener.fledge_view set version = version + 1');
    await eventually(
      async () => {
        await talk.say('for whom', 1, 1);
        expect(await query("select 1 from listener.fledge_inbox where consumer = 'gone'")).not.toEqual([]);
      },
      'something for it',
      15_000,
    );
    expect((await fledge('consumers forget listener gone')).out).toMatch(
      /^gone of listener is forgotten, and \d+ messages that waited for it are deleted\n$/,
    );
    expect(await query("select 1 from listener.fledge_inbox where consumer = 'gone'")).toEqual([]);
    expect((await fledge('consumers --module listener')).out).not.toContain('gone');
  });

  it('is told what is wrong, and how to fix it', async () => {
    const wrong: [line: string, code: number, err: string | RegExp][] = [
      [
        'dead-letters list --module listner',
        1,
        "fledge: there is no module with messages 'listner'. Did you mean 'listener'?\n",
      ],
      ['consumers --module x', 1, "fledge: there is no module with messages 'x'. There are: listener, talker.\n"],
      [
        `dead-letters show listener frst ${NO_ID}`,
        1,
        "fledge: there is no consumer of listener 'frst'. Did you mean 'first'?\n",
      ],
      [
        `dead-letters show listener first ${NO_ID}`,
        1,
        `fledge: first has no dead letter ${NO_ID}. See those that there are: fledge dead-letters list --module listener --consumer first\n`,
      ],
      [
        `dead-letters abandon listener first ${NO_ID}`,
        1,
        `fledge: first has no dead letter ${NO_ID} that is not settled. List those that there are; one that was sent again or abandoned is settled.\n`,
      ],
      [
        'dead-letters show listener first 7',
        2,
        /'7' is not a message id, which is a UUID\. Usage: fledge dead-letters show/,
      ],
      ['dead-letters resend listener first', 2, /it takes one id, or --all\. Usage: /],
      ['dead-letters list --state ded', 2, /--state is dead, resent, abandoned, but got 'ded'\. Usage: /],
      ['dead-letters lst', 2, /has no subcommand 'lst'; did you mean 'list'\?\. Usage: /],
      ['dead-letters list --limit 0', 2, /--limit is a number from 1 to 999, but got '0'\. Usage: /],
      ['consumers --modul listener', 2, /Unknown option '--modul'\. Usage: fledge consumers/],
      [
        'consumers forget listener first',
        1,
        'fledge: a replica that runs handles messages for first. Deploy code without it first, and wait until no replica of the code before runs.\n',
      ],
      ['consumers forget listener', 2, /Usage: fledge consumers forget/],
      ['consumers forgt listener first', 2, /has no subcommand 'forgt'; did you mean 'forget'/],
      ['processes resume listener first 1', 1, /^fledge: first has no run '1'\. /],
      ['replay', 2, /--since is required: it says from when on\. Usage: /],
      ['replay --since yesterday', 2, /--since is a time as in .*, but got 'yesterday'\. Usage: /],
      ['replay --since 2026-01-01T00:00', 2, /--since is a time as in /],
      ['replay --since 1h --until 2h', 2, /--until must be later than --since\. Usage: /],
    ];
    for (const [line, code, err] of wrong)
      expect({ line, ...(await fledge(line)) }).toEqual({
        line,
        code,
        out: '',
        err: typeof err === 'string' ? err : expect.stringMatching(err),
      });
    const away = await fledgeOn('postgres://me:secret@127.0.0.1:1/shop', 'consumers');
    expect([away.code, away.err]).toEqual([
      1,
      expect.stringMatching(
        /^fledge: cannot connect to the database at 127\.0\.0\.1:1\/shop: .*Check that the server runs/,
      ),
    ]);
  });

  it('is refused a replay of deleted messages, and told which are left', async () => {
    await talk.say('old', 1, 2);
    for (const listener of ['first', 'second']) await talk.until(listener, 'old', [1, 2]);
    await talk.rows('talker', "insert into fledge_outbox_deleted (created_until) values ('2026-01-02T03:04:05.6789Z')");
    await talk.rows(
      'listener',
      "insert into fledge_outbox (kind, name, key, partition, payload, sent_at, sent_via) values ('event', 'listener.x.v1', 'k', 0, '{}', clock_timestamp(), 'elsewhere')",
    );
    expect(await fledge('replay --since 2026-01-02T03:04:05.678Z')).toEqual({
      code: 1,
      out: '',
      err: "fledge: talker keeps only what was published after 2026-01-02T03:04:05.679Z, and 2026-01-02T03:04:05.678Z is before that. What was sent is deleted after the `sent` of the topology's `retention`. For all that is left, use 2026-01-02T03:04:05.679Z.\n",
    });
    expect(await talk.rows('listener', 'select sent_via from fledge_outbox')).toEqual([{ sent_via: 'elsewhere' }]);
    expect((await fledge('replay --since 2026-01-02T03:04:05.679Z --until 2026-01-03T00:00Z')).out).toMatch(
      /\n0 messages marked unsent\n$/,
    );
  });

  it('is told about a user without rights, and about tables of an older version', async () => {
    const clerk = `clerk_${talk.namespace.slice(5)}`;
    const owner = new Client({ connectionString: talk.database.url });
    await owner.connect();
    await owner.query(`create role ${clerk} login password 'secret'`);
    const url = new URL(talk.database.url);
    [url.username, url.password] = [clerk, 'secret'];
    const refused = await fledgeOn(url.href, 'consumers');
    expect([refused.code, refused.err]).toEqual([
      1,
      'fledge: the user of DATABASE_URL may not do this: permission denied to set role "fledge_listener". Use the owner, with whom the application runs.\n',
    ]);
    await owner.query(`drop role ${clerk}; drop table talker.fledge_outbox_deleted`);
    await owner.end();
    const older = await fledge('replay --since 1h');
    expect([older.code, older.err]).toEqual([
      1,
      expect.stringMatching(
        /^fledge: the tables of messages are older than this command: .*fledge_outbox_deleted.*\. Start the application of this version once: it brings them up to date\.\n$/,
      ),
    ]);
  });
});

describe('a broker that has lost messages', () => {
  let talk: Talk;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  const fledge = (line: string): Promise<Said> => fledgeOn(talk.database.url, ...line.split(' '));

  beforeAll(async () => {
    talk = await Talk.start(NATS);
    connection = await connect({ servers: testNatsUrl() });
    manager = await jetstreamManager(connection);
  });
  // to a place where no module listens
  const publishesAnew = async (id: string): Promise<boolean> =>
    !(await jetstream(connection).publish(`${talk.namespace}._event.nobody.probe.v1`, '', { msgID: id })).duplicate;
  afterAll(async () => {
    await connection.close();
    await talk.stop();
  });

  it('is filled again by a replay, and every consumer ends in the same state', async () => {
    const stream = `${talk.namespace}-messages`;
    await talk.say('before', 1, 20);
    for (const listener of ['first', 'second']) await talk.until(listener, 'before', upTo(20));
    // the broker must not remember what it lost, as after a power cut
    await manager.streams.update(stream, { duplicate_window: nanos(100) });
    await talk.withoutListener(async () => {
      await talk.say('lost', 1, 30);
      await talk.sent();
      await publishesAnew('probe');
      await manager.streams.purge(stream);
      await eventually(() => publishesAnew('probe'), 'the broker has forgotten what it knew before');
    });
    await talk.say('after', 1, 5);
    for (const listener of ['first', 'second']) await talk.until(listener, 'after', upTo(5));
    expect(await talk.heard('first', 'lost')).toEqual([]);

    await talk.sent();
    const replayed = await fledge('replay --since 1h');
    expect(replayed.out).toMatch(/^talker {10}55$/m);
    for (const listener of ['first', 'second']) {
      await talk.until(listener, 'lost', upTo(30));
      expect([await talk.heard(listener, 'before'), await talk.heard(listener, 'after')]).toEqual([upTo(20), upTo(5)]);
    }
    expect(EARS.tries).toHaveLength(2 * 55);
  });

  it('may have lost its whole store', async () => {
    const stream = `${talk.namespace}-messages`;
    EARS.tries = [];
    await manager.streams.delete(stream);
    await fledge('replay --since 1h');
    await talk.say('after', 6, 1);
    for (const listener of ['first', 'second']) await talk.until(listener, 'after', upTo(6));
    await talk.sent();
    await eventually(
      async () => expect((await manager.streams.info(stream)).state.messages).toBe(56),
      'all is in the broker again',
    );
    for (const listener of ['first', 'second'])
      for (const [topic, count] of [
        ['before', 20],
        ['lost', 30],
        ['after', 6],
      ] as const)
        await talk.until(listener, topic, upTo(count));
    expect(EARS.tries).toHaveLength(2);
  });
});

describe('an operator of processes', () => {
  let database: FreshDatabase;
  let host: Host;
  const fledge = (line: string): Promise<Said> => fledgeOn(database.url, ...line.split(' '));

  beforeAll(async () => {
    database = await freshDatabase();
    host = await new Host({
      application: errands,
      modules: ['errands'],
      transport: new LocalTransport(),
      database,
    }).start();
  });
  afterAll(async () => {
    await host.close();
    await database.drop();
  });

  it('sees a failed run with its history, and resumes it', async () => {
    ROAD.isOpen = false;
    await host
      .module('errands')
      .get(CommandBus, { strict: false })
      .execute(new Ask({ errand: 'bread' }));
    await eventually(
      async () => expect((await fledge('processes list --status failed')).out).toMatch(/\n1 run failed\n$/),
      'a run that failed',
    );
    expect((await fledge('processes list')).out).toMatch(
      /^MODULE {3}PROCESS {2}KEY {4}STATUS {2}OUTCOME {2}STARTED +CHANGED\nerrands {2}errand {3}bread {2}failed {2}- {8}/,
    );
    expect((await fledge('consumers')).out).toMatch(/^errands +errand +0 +- +- +1 +1 +1$/m);
    const shown = await fledge('processes show errands errand bread');
    expect(shown.out).toContain('status   failed\n');
    expect(shown.out).toContain('state\n  null\nhistory\n');
    expect(shown.out).toMatch(/ {2}failed {11}errands\.asked\.v1: failed 1 times; Error: the road is closed\n$/);
    expect(await host.registry.metrics()).toContain('\nfledge_process_failures{module="errands",process="errand"} 1\n');
    ROAD.isOpen = true;
    expect(await fledge('processes resume errands errand bread')).toEqual({
      code: 0,
      out: "errand 'bread' of errands goes on: 1 message sent to it again\n",
      err: '',
    });
    await eventually(
      async () =>
        expect((await fledge('processes show errands errand bread --json')).out).toContain('"outcome": "done"'),
      'the run is done',
    );
    const again = await fledge('processes resume errands errand bread');
    expect([again.code, again.err]).toEqual([
      1,
      "fledge: errand 'bread' has not failed: it is finished. See with `list` or `show` how the runs of the process stand.\n",
    ]);
    expect((await fledge('processes show errands errand milk')).err).toBe(
      "fledge: errand has no run 'milk'. See those that there are: fledge processes list --module errands --name errand\n",
    );
  });
});
