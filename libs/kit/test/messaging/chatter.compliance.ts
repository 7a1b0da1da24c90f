import { Host, LocalTransport, NatsTransport, type Transport } from '@fledge/kit';
import { eventually, freshDatabase, type FreshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { CommandBus } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { EARS, ListenerContract, ListenerModule, Say, TalkerContract, TalkerModule } from './chatter.js';

const application = {
  name: 'chatter',
  modules: [
    { contract: TalkerContract, load: () => Promise.resolve(TalkerModule) },
    { contract: ListenerContract, load: () => Promise.resolve(ListenerModule) },
  ],
};

/** How the two modules are connected. */
export interface MessagingWorld {
  readonly name: string;
  /** The transport of each host; hosts with one in common share a process's worth of modules. */
  readonly hosts: (namespace: string) => readonly { readonly modules: readonly string[]; readonly transport: Transport }[];
}

/** Every way that messages travel; a new transport joins here. */
export const WORLDS: readonly MessagingWorld[] = [
  { name: 'local', hosts: () => [{ modules: ['talker', 'listener'], transport: new LocalTransport() }] },
  {
    name: 'nats',
    hosts: (namespace) => ['talker', 'listener'].map((module) => ({ modules: [module], transport: new NatsTransport({ url: testNatsUrl(), namespace }) })),
  },
];

/** The two modules, running. */
export class Chatter {
  private hosts: Host[] = [];
  private readonly hostOf = new Map<string, Host>();

  private constructor(
    private readonly world: MessagingWorld,
    private readonly database: FreshDatabase,
    private readonly namespace: string,
  ) {}

  static async start(world: MessagingWorld): Promise<Chatter> {
    const chatter = new Chatter(world, await freshDatabase(), `chatter-${Math.random().toString(36).slice(2, 10)}`);
    EARS.tries.length = 0;
    EARS.fails = () => undefined;
    await chatter.open();
    return chatter;
  }

  /** Stops what runs, as a SIGTERM does, and starts it again on the same data. */
  async restart(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Publishes so many events on a topic, in one transaction. */
  async say(topic: string, from: number, count: number): Promise<void> {
    await this.app('talker').get(CommandBus).execute(new Say({ topic, from, count }));
  }

  /** Asks a table of a module. */
  async rows<Row extends object>(module: 'talker' | 'listener', sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.app(module).get(DataSource).query<Row[]>(sql, parameters);
  }

  /** The numbers that a listener has heard of a topic, in the order of their hearing. */
  async heard(listener: string, topic: string): Promise<number[]> {
    const rows = await this.rows<{ number: number }>('listener', 'select number from heard where listener = $1 and topic = $2 order by id', [listener, topic]);
    return rows.map((row) => row.number);
  }

  /** Waits until a listener has heard this. */
  async until(listener: string, topic: string, numbers: readonly number[]): Promise<void> {
    await eventually(async () => expect(await this.heard(listener, topic)).toEqual(numbers), `${listener} has heard ${numbers.length} of ${topic}`, 15_000);
  }

  async stop(): Promise<void> {
    await this.close();
    await this.database.drop();
  }

  app(module: string): ReturnType<Host['module']> {
    const host = this.hostOf.get(module);
    if (!host) throw new Error(`nobody hosts ${module}`);
    return host.module(module);
  }

  private async open(): Promise<void> {
    this.hosts = this.world.hosts(this.namespace).map(({ modules, transport }) => {
      const host = new Host({ application, modules, transport, database: { url: this.database.url } });
      for (const module of modules) this.hostOf.set(module, host);
      return host;
    });
    for (const host of this.hosts) await host.start();
  }

  private async close(): Promise<void> {
    for (const host of this.hosts) await host.close();
  }
}
