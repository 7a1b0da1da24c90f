import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { BoundedModule } from '../bus/index.js';
import { defineContract } from '../contract/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/index.js';
import { LocalTransport } from '../transport/index.js';
import type { ModuleEntry } from './application.js';
import { Host } from './host.js';

const LIMIT_MS = 10_000;

/** Two that wait for each other: neither goes on before the other has come. */
class Meeting {
  private readonly come = new Set<string>();
  private open!: () => void;
  private readonly complete = new Promise<void>((resolve) => (this.open = resolve));

  async join(name: string): Promise<void> {
    this.come.add(name);
    if (this.come.size === 2) this.open();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`${name} waited alone`)), LIMIT_MS)));
    await Promise.race([this.complete, late]).finally(() => clearTimeout(timer));
  }
}

const closed: string[] = [];

/** A module that joins a meeting as it begins, and may have a migration. */
function meets(name: string, meeting: Meeting, migrations: (new () => MigrationInterface)[] = []): ModuleEntry {
  @Injectable()
  class Guest implements OnApplicationBootstrap, OnApplicationShutdown {
    onApplicationBootstrap(): Promise<void> {
      return meeting.join(name);
    }
    onApplicationShutdown(): void {
      closed.push(name);
    }
  }
  const contract = defineContract({ name });
  @BoundedModule({ contract, migrations, providers: [Guest] })
  class GuestModule {}
  return { contract, load: () => Promise.resolve(GuestModule) };
}

class Tables1700000000000 implements MigrationInterface {
  async up(): Promise<void> {}
  async down(): Promise<void> {}
}

class Broken1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create tible whole (id int)');
  }
  async down(): Promise<void> {}
}

function hostOf(modules: readonly ModuleEntry[], database?: FreshDatabase): Host {
  return new Host({ application: { name: 'party', modules }, modules: modules.map(({ contract }) => contract.name), transport: new LocalTransport(), database, logger: false });
}

describe('a host that starts several modules', () => {
  it('runs their hooks side by side', async () => {
    const meeting = new Meeting();
    const host = hostOf([meets('ann', meeting), meets('bob', meeting)]);
    await host.start();
    await host.close();
    expect(closed.splice(0).toSorted()).toEqual(['ann', 'bob']);
  });

  it('leaves no connection of any of them when the data of one can not be opened', async () => {
    const database = await freshDatabase();
    const meeting = new Meeting();
    const host = hostOf([meets('ann', meeting, [Tables1700000000000]), meets('bob', meeting, [Broken1700000000000]), meets('cat', meeting, [Tables1700000000000])], database);
    await expect(host.start()).rejects.toMatchObject({ code: 'fledge.startup.migration-failed' });
    expect(await connectionsTo(database)).toBe(0);
    await database.drop();
  });
});

async function connectionsTo({ url }: FreshDatabase): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>("select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name like 'fledge:%'");
    return rows[0]?.count ?? -1;
  } finally {
    await client.end();
  }
}
