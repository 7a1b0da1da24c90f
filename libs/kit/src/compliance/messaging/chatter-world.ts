import { Host, type Transport } from '@fledge/kit';
import { eventually, freshDatabase, type FreshDatabase } from '@fledge/kit/testing';
import { CommandBus } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { chatterApplication, EARS, type ListenerVersion, MOUTH, Say } from './chatter.js';

/** How the two modules are connected. */
export interface MessagingWorld {
  readonly name: string;
  /** The hosts to start: the modules and the transport of each. */
  readonly hosts: (
    namespace: string,
  ) => readonly { readonly modules: readonly string[]; readonly transport: Transport }[];
}

/** Limits a hang. */
const WITHIN_MS = 60_000;

/**
 * Retries work that gets no connection within the pool's five seconds, because the machine is busy: none of it has run.
 */
async function connected<T>(work: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + WITHIN_MS; ;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'fledge.database-unavailable' || performance.now() > end) throw error;
    }
  }
}

/** One replica of each module, running. */
export class Ensemble {
  constructor(private readonly hosts: readonly Host[]) {}

  /** Stops it as a SIGTERM does. */
  async close(): Promise<void> {
    for (const host of this.hosts) await host.close();
  }

  /** Starts it; with several hosts the listener's comes last, and finds the talker. */
  async start(): Promise<this> {
    for (const host of this.hosts) await host.start();
    return this;
  }

  app(module: string): ReturnType<Host['module']> | undefined {
    for (const host of this.hosts) {
      try {
        return host.module(module);
      } catch {
        continue;
      }
    }
    return undefined;
  }
}

/** The two modules, running, in as many replicas as a test needs. */
export class Chatter {
  private readonly ensembles: Ensemble[] = [];

  private constructor(
    private readonly world: MessagingWorld,
    private readonly database: FreshDatabase,
    /** The first part of all subjects. */
    readonly namespace: string,
  ) {}

  static async start(world: MessagingWorld, listener: ListenerVersion = 'older'): Promise<Chatter> {
    const chatter = new Chatter(world, await freshDatabase(), `chatter-${Math.random().toString(36).slice(2, 10)}`);
    EARS.clear();
    MOUTH.fails = () => undefined;
    await chatter.join(listener);
    return chatter;
  }

  /** A connection URL for the database's owner. */
  get databaseUrl(): string {
    return this.database.url;
  }

  /** Starts one more replica of each module. */
  async join(listener: ListenerVersion = 'older'): Promise<Ensemble> {
    const application = chatterApplication(listener);
    const hosts = this.world
      .hosts(this.namespace)
      .map(
        ({ modules, transport }) => new Host({ application, modules, transport, database: { url: this.database.url } }),
      );
    const ensemble = await new Ensemble(hosts).start();
    this.ensembles.push(ensemble);
    return ensemble;
  }

  /** Stops the oldest replica of each module, as a SIGTERM does. */
  async leave(): Promise<void> {
    await this.ensembles.shift()?.close();
  }

  /** Stops everything that runs, as a SIGTERM does, and starts it again on the same data. */
  async restart(listener: ListenerVersion = 'older'): Promise<void> {
    await this.close();
    await this.join(listener);
  }

  /** Publishes `count` events on a topic, in one transaction. */
  async say(topic: string, from: number, count: number): Promise<void> {
    await connected(() => this.app('talker').get(CommandBus).execute(new Say({ topic, from, count })));
  }

  /** Queries a table of a module. */
  async rows<Row extends object>(
    module: 'talker' | 'listener',
    sql: string,
    parameters: unknown[] = [],
  ): Promise<Row[]> {
    return connected(() => this.app(module).get(DataSource).query<Row[]>(sql, parameters));
  }

  /** The numbers that a listener has heard of a topic, in the order in which it heard them. */
  async heard(listener: string, topic: string): Promise<number[]> {
    const rows = await this.rows<{ number: number }>(
      'listener',
      'select number from heard where listener = $1 and topic = $2 order by id',
      [listener, topic],
    );
    return rows.map((row) => row.number);
  }

  /** Waits until a listener has heard this. */
  async until(listener: string, topic: string, numbers: readonly number[], withinMs = WITHIN_MS): Promise<void> {
    await eventually(
      async () => expect(await this.heard(listener, topic)).toEqual(numbers),
      `${listener} has heard ${numbers.length} of ${topic}`,
      withinMs,
    );
  }

  /**
   * Waits until a listener has heard that many in all, then checks that it heard 1 to `each` of each topic, once and in
   * order.
   */
  async untilAll(listener: string, topics: readonly string[], each: number, withinMs = WITHIN_MS): Promise<void> {
    const count = async (): Promise<number> =>
      Number(
        (
          await this.rows<{ count: string }>(
            'listener',
            'select count(*) from heard where listener = $1 and topic = any($2)',
            [listener, topics],
          )
        )[0]?.count,
      );
    await eventually(
      async () => expect(await count()).toBeGreaterThanOrEqual(topics.length * each),
      `${listener} has heard ${each} of each of ${topics.length} topics`,
      withinMs,
    );
    const rows = await this.rows<{ topic: string; numbers: number[] }>(
      'listener',
      'select topic, array_agg(number order by id) as numbers from heard where listener = $1 and topic = any($2) group by topic',
      [listener, topics],
    );
    const all = Array.from({ length: each }, (_, i) => i + 1);
    expect(rows.filter(({ numbers }) => numbers.join() !== all.join())).toEqual([]);
  }

  async stop(): Promise<void> {
    await this.close();
    await this.database.drop();
  }

  app(module: string): ReturnType<Host['module']> {
    for (const ensemble of this.ensembles) {
      const app = ensemble.app(module);
      if (app) return app;
    }
    throw new Error(`nobody hosts ${module}`);
  }

  private async close(): Promise<void> {
    for (const ensemble of this.ensembles.splice(0)) await ensemble.close();
  }
}
