import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { Host, LocalTransport, Processes, type RunDetails, type Transport, withContext } from '../../src/index.js';
import { NatsTransport } from '@fledge/nats';
import { CallContext, now, runInContext } from '../../src/boundary/index.js';
import { eventually, freshDatabase, type FreshDatabase, testNatsUrl } from '../../src/testing/index.js';
import { Plan, served, travel, TravelContext } from './trip.js';

Logger.overrideLogger(false);

/** Where the two modules run: a list of modules for each host, and the transport of all hosts. */
const WORLDS: readonly {
  readonly name: string;
  readonly hosts: readonly (readonly string[])[];
  readonly transport: (namespace: string) => Transport;
}[] = [
  { name: 'in one process', hosts: [['trips', 'hotel']], transport: () => new LocalTransport() },
  {
    name: 'in a process each, two of one',
    hosts: [['trips'], ['hotel'], ['trips']],
    transport: (namespace) => new NatsTransport({ url: testNatsUrl(), namespace }),
  },
];

describe.each(WORLDS)('a process $name', ({ hosts: services, transport }) => {
  const namespace = `process-${randomBytes(4).toString('hex')}`;
  const hosts: Host[] = [];
  let database: FreshDatabase;

  const open = async (): Promise<void> => {
    for (const modules of services)
      hosts.push(
        await new Host({
          application: travel,
          modules,
          transport: transport(namespace),
          database,
          settings: {},
        }).start(),
      );
  };
  const close = async (): Promise<void> => {
    for (const host of hosts.splice(0)) await host.close();
  };
  const hosting = (module: string): Host => hosts[services.findIndex((modules) => modules.includes(module))] as Host;
  const processes = (): Processes => hosting('trips').module('trips').get(Processes, { strict: false });
  const plan = (wish: string): Promise<string> =>
    hosting('trips').module('trips').get(CommandBus, { strict: false }).execute(new Plan({ wish }));
  const finished = async (trip: string): Promise<RunDetails> => {
    let run: RunDetails | undefined;
    await eventually(
      async () => (run = await processes().show('trip', trip))?.status === 'finished',
      `the run of ${trip} has finished`,
      30_000,
    );
    return run as RunDetails;
  };
  const rooms = (): Promise<{ trip: string; state: string; agencies: string[] }[]> =>
    hosting('hotel').module('hotel').get(DataSource, { strict: false }).query('select trip, state, agencies from room');

  beforeAll(async () => {
    database = await freshDatabase();
    await open();
  });

  afterAll(async () => {
    await close();
    await database.drop();
  });

  it('sends commands, waits for a timer, compensates, and ends with its history', async () => {
    const trip = await withContext(TravelContext, { agency: 'blue' }, () => plan('sea'));
    expect(await finished(trip)).toMatchObject({ outcome: 'released', state: { reminders: 1 }, timers: [] });
    expect((await processes().show('trip', trip))?.history.map(({ what, detail }) => `${what} ${detail}`)).toEqual([
      'started trips.planned.v1',
      'sent hotel.book.v1',
      'event hotel.booked.v1',
      'timer set unconfirmed in 50 ms',
      'timer unconfirmed',
      'sent hotel.release.v1',
      'event hotel.released.v1',
      'finished released',
    ]);
    // by an event, a command, an event back, a timer and a command, the context is what it was when the trip was planned
    expect(await rooms()).toContainEqual({ trip, state: 'released', agencies: ['blue', 'blue'] });
  });

  it('works as its module, on behalf of the user who began it, by events, commands and timers', async () => {
    const work = new CallContext(
      'trips',
      'http',
      now() + 10_000,
      { subject: 'ann ü', roles: ['guest'] },
      undefined,
      undefined,
    );
    const trip = await runInContext(work, () => plan('isle'));
    expect(await finished(trip)).toMatchObject({ outcome: 'released' });
    const ofModule = { caller: 'trips', identity: undefined };
    expect(served.get(trip)).toEqual([
      { ...ofModule, onBehalfOf: 'ann ü' },
      { ...ofModule, onBehalfOf: 'ann ü' },
    ]);
    const nobodys = await plan('lake');
    await finished(nobodys);
    expect(served.get(nobodys)).toEqual([
      { ...ofModule, onBehalfOf: undefined },
      { ...ofModule, onBehalfOf: undefined },
    ]);
  });

  it('ends differently when its command is refused', async () => {
    const trip = await plan('full');
    expect(await finished(trip)).toMatchObject({ outcome: 'the hotel is full' });
    expect(await rooms()).not.toContainEqual(expect.objectContaining({ trip }));
  });

  it('continues after all replicas were replaced', async () => {
    const trips = await Promise.all(Array.from({ length: 10 }, () => plan('hills')));
    await close();
    await open();
    for (const trip of trips) expect((await finished(trip)).outcome).toBe('released');
    expect((await rooms()).filter(({ trip }) => trips.includes(trip))).toHaveLength(10);
  });

  it('works alongside singletons, which run once whatever is restarted, and may call modules', async () => {
    await eventually(
      async () => expect((await processes().list()).filter(({ key }) => key.startsWith('ahead-'))).toHaveLength(1),
      'one planned ahead',
    );
  });
});
