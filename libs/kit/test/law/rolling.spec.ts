import { DeadLetters, Host, LocalTransport, type Transport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { InvalidMessage, ModuleFault } from '@fledge/kit/contract';
import { eventually, freshDatabase, type FreshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { CommandBus } from '@nestjs/cqrs';
import { type Depot, depotApplication, depotContract, fieldsOf, type Heard, type Version } from './depot.js';
import { freshNamespace } from './worlds.js';

const VERSIONS: readonly Version[] = ['older', 'newer'];
const PAIRS = ['newer-newer', 'newer-older', 'older-newer', 'older-older'];
/** Replicas need seconds to share the keys of a consumer. */
const MIXED_WITHIN_MS = 40_000;

/** A way of running the two modules of a replica, and which versions of caller and callee meet in it. */
interface World {
  readonly name: string;
  readonly calls: readonly string[];
  readonly hosts: (
    namespace: string,
  ) => readonly { readonly modules: readonly string[]; readonly transport: Transport }[];
}

const nats = (namespace: string): Transport => new NatsTransport({ url: testNatsUrl(), namespace });
const WORLDS: readonly World[] = [
  // Calls stay in the process, whose modules have one version; stored messages meet both.
  {
    name: 'local',
    calls: ['newer-newer', 'older-older'],
    hosts: () => [{ modules: ['depot', 'shelf'], transport: new LocalTransport() }],
  },
  {
    name: 'nats',
    calls: PAIRS,
    hosts: (namespace) => ['depot', 'shelf'].map((module) => ({ modules: [module], transport: nats(namespace) })),
  },
];

/** A replica of both modules in one version. */
class Replica {
  constructor(
    readonly version: Version,
    private readonly depot: Depot,
    private readonly hosts: readonly Host[],
  ) {}

  /** The application of one of its modules: the first host has the depot, the last the shelf. */
  module(name: 'depot' | 'shelf'): ReturnType<Host['module']> {
    return (this.hosts.at(name === 'depot' ? 0 : -1) as Host).module(name);
  }

  /** Makes the shelf store something. Returns the version that answered and the fields that came from it. */
  async store(
    id: string,
  ): Promise<{ readonly by: Version; readonly saw: readonly string[]; readonly fields: readonly string[] }> {
    const receipt = await this.module('shelf').get(CommandBus).execute(this.depot.store(id));
    return { by: receipt.by, saw: receipt.saw, fields: fieldsOf(receipt) };
  }

  /** Makes the shelf store too much. Returns the error that the contract declares for it. */
  async refusal(id: string): Promise<InstanceType<Depot['Full']>> {
    const error: unknown = await this.module('shelf')
      .get(CommandBus)
      .execute(this.depot.store(id, true))
      .then(
        () => new Error('it was stored'),
        (failed: unknown) => failed,
      );
    if (error instanceof this.depot.Full) return error;
    throw error as Error;
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.close();
  }
}

describe.each(WORLDS)(
  'a rolling deployment over $name, of code that adds optional fields to a contract that is open to them,',
  (world) => {
    let database: FreshDatabase;
    let namespace: string;
    const replicas: Replica[] = [];
    const heard: Heard[] = [];
    const failures: unknown[] = [];
    const stored: string[] = [];
    const calls = new Set<string>();
    const hasAdded = (fields: readonly string[]): boolean[] =>
      ['added', 'items.added'].map((field) => fields.includes(field));

    beforeAll(async () => {
      database = await freshDatabase();
      namespace = freshNamespace();
    });
    afterAll(async () => {
      for (const replica of replicas) await replica.close();
      await database?.drop();
    });

    async function start(version: Version): Promise<Replica> {
      const depot = depotContract(version, 'open');
      const application = depotApplication(version, depot, heard);
      const hosts = world
        .hosts(namespace)
        .map((of) => new Host({ ...of, application, database: { url: database.url } }));
      for (const host of hosts) await host.start();
      const replica = new Replica(version, depot, hosts);
      replicas.push(replica);
      return replica;
    }

    /** Makes each replica call once for a result and once for an error, and checks what was sent and received. */
    async function callAll(): Promise<void> {
      for (const replica of replicas) {
        const id = `order ${stored.length}`;
        try {
          const { by, saw, fields } = await replica.store(id);
          stored.push(id);
          calls.add(`${replica.version}-${by}`);
          const isKnownToBoth = replica.version === 'newer' && by === 'newer';
          expect({ sent: hasAdded(saw), answered: hasAdded(fields) }).toEqual({
            sent: [isKnownToBoth, isKnownToBoth],
            answered: [isKnownToBoth, isKnownToBoth],
          });
          const refusal = await replica.refusal(id);
          expect({ ...refusal }).toEqual({
            by: refusal.by,
            left: 0,
            ...(replica.version === 'newer' && refusal.by === 'newer' && { added: 'by a newer version' }),
          });
        } catch (error) {
          failures.push(error);
        }
      }
      for (const module of ['depot', 'shelf'] as const)
        failures.push(...((await replicas[0]?.module(module).get(DeadLetters).list()) ?? []));
    }

    const KINDS = ['event', 'command'] as const;
    const readings = (kind: Heard['what']): string[] =>
      [...new Set(heard.flatMap(({ what, writer, reader }) => (what === kind ? [`${writer}-${reader}`] : [])))].sort();

    it('fails no call and makes no event a dead letter while both versions run', async () => {
      for (const version of VERSIONS) await start(version);
      await eventually(
        async () => {
          await callAll();
          if (failures.length > 0) return;
          expect([...calls].sort()).toEqual(world.calls);
          for (const kind of KINDS) expect({ kind, met: readings(kind) }).toEqual({ kind, met: PAIRS });
        },
        'each version has met each',
        MIXED_WITHIN_MS,
      );
      expect(failures).toEqual([]);
      for (const { what, writer, reader, fields } of heard) {
        const isKnownToBoth = writer === 'newer' && reader === 'newer';
        expect([what, writer, reader, ...hasAdded(fields)]).toEqual([
          what,
          writer,
          reader,
          isKnownToBoth,
          isKnownToBoth,
        ]);
      }
    }, 90_000);

    it('continues in the newer version alone, and has lost no event', async () => {
      await replicas.shift()?.close();
      await callAll();
      expect(failures).toEqual([]);
      const idsOf = (kind: Heard['what']): Set<string> =>
        new Set(heard.flatMap(({ what, id }) => (what === kind ? [id] : [])));
      for (const kind of KINDS)
        await eventually(() => expect(idsOf(kind)).toEqual(new Set(stored)), `each ${kind} is handled`, 15_000);
    }, 30_000);
  },
);

describe('a contract that does not allow unknown fields refuses, over nats,', () => {
  let database: FreshDatabase;
  const hosts: Host[] = [];
  beforeAll(async () => (database = await freshDatabase()));
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.close();
  });
  afterAll(() => database?.drop());

  /** Starts a depot in one version and a shelf in the other. Returns how the shelf calls the depot. */
  async function start(versions: { readonly depot: Version; readonly shelf: Version }) {
    const namespace = freshNamespace();
    const depots = { depot: depotContract(versions.depot), shelf: depotContract(versions.shelf) };
    for (const module of ['depot', 'shelf'] as const) {
      const application = depotApplication(versions[module], depots[module], []);
      hosts.push(
        await new Host({
          application,
          modules: [module],
          transport: nats(namespace),
          database: { url: database.url },
        }).start(),
      );
    }
    const commands = (hosts.at(-1) as Host).module('shelf').get(CommandBus);
    return (isTooMuch: boolean) =>
      commands.execute(depots.shelf.store('any', isTooMuch)).then(
        () => undefined,
        (error: unknown) => error,
      );
  }

  it('the message of a newer caller, with the paths of the fields', async () => {
    const store = await start({ depot: 'older', shelf: 'newer' });
    const error = await store(false);
    expect(error).toBeInstanceOf(InvalidMessage);
    expect((error as InvalidMessage).violations.map(({ path, rule }) => `${path} ${rule}`).sort()).toEqual([
      'added unknown-field',
      'items[0].added unknown-field',
    ]);
  });

  it("the result and the error of a newer callee, as the callee's fault", async () => {
    const store = await start({ depot: 'newer', shelf: 'older' });
    for (const isTooMuch of [false, true]) expect(await store(isTooMuch)).toBeInstanceOf(ModuleFault);
  });
});
