import { randomBytes } from 'node:crypto';
import { Host, LocalTransport, type Transport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { eventually, freshDatabase, type FreshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { CommandBus } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { EARS, Say, talk } from './talk.js';

/** How the two modules run: the modules of each host, and its transport. */
export interface World {
  readonly name: string;
  readonly hosts: readonly (readonly string[])[];
  readonly transport: (namespace: string) => Transport;
}

export const LOCAL: World = { name: 'local', hosts: [['talker', 'listener']], transport: () => new LocalTransport() };
export const NATS: World = {
  name: 'nats',
  hosts: [['talker'], ['listener']],
  transport: (namespace) => new NatsTransport({ url: testNatsUrl(), namespace }),
};

/** The two modules, running. */
export class Talk {
  /** The first part of all subjects. */
  readonly namespace = `talk-${randomBytes(4).toString('hex')}`;
  private readonly hosts = new Map<readonly string[], Host>();

  private constructor(
    private readonly world: World,
    readonly database: FreshDatabase,
  ) {}

  static async start(world: World): Promise<Talk> {
    const started = new Talk(world, await freshDatabase());
    EARS.tries = [];
    EARS.fails = () => undefined;
    for (const modules of world.hosts) await started.open(modules);
    return started;
  }

  /** Publishes so many events on a topic, in one transaction. */
  async say(topic: string, from: number, count: number): Promise<void> {
    await this.hosting('talker')
      .module('talker')
      .get(CommandBus, { strict: false })
      .execute(new Say({ topic, from, count }));
  }

  /** Asks a table of a module. */
  async rows<Row extends object>(module: string, sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.hosting(module).module(module).get(DataSource, { strict: false }).query<Row[]>(sql, parameters);
  }

  /** What the host of a module tells Prometheus. */
  metrics(module: string): Promise<string> {
    return this.hosting(module).registry.metrics();
  }

  /** The numbers that a listener has heard of a topic, in the order of their hearing. */
  async heard(listener: string, topic: string): Promise<number[]> {
    const rows = await this.rows<{ number: number }>(
      'listener',
      'select number from heard where listener = $1 and topic = $2 order by id',
      [listener, topic],
    );
    return rows.map((row) => row.number);
  }

  /** Waits until a listener has heard this. */
  async until(listener: string, topic: string, numbers: readonly number[]): Promise<void> {
    await eventually(
      async () => expect(await this.heard(listener, topic)).toEqual(numbers),
      `${listener} has heard ${numbers.length} of ${topic}`,
      15_000,
    );
  }

  /** Waits until nothing is left to send. */
  async sent(): Promise<void> {
    await eventually(
      async () =>
        expect(await this.rows('talker', 'select 1 from fledge_outbox where sent_at is null')).toHaveLength(0),
      'all is sent',
      15_000,
    );
  }

  /** Runs `work` while the listener's host is down. */
  async withoutListener(work: () => Promise<void>): Promise<void> {
    const modules = this.modulesWith('listener');
    await this.hosts.get(modules)?.close();
    await work();
    await this.open(modules);
  }

  async stop(): Promise<void> {
    for (const host of this.hosts.values()) await host.close();
    await this.database.drop();
  }

  private async open(modules: readonly string[]): Promise<void> {
    this.hosts.set(
      modules,
      await new Host({
        application: talk,
        modules,
        transport: this.world.transport(this.namespace),
        database: this.database,
      }).start(),
    );
  }

  private hosting(module: string): Host {
    return this.hosts.get(this.modulesWith(module)) as Host;
  }

  private modulesWith(module: string): readonly string[] {
    return this.world.hosts.find((modules) => modules.includes(module)) as readonly string[];
  }
}
