import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { BoundedModule } from '../bus/index.js';
import { defineContract } from '../contract/index.js';
import { freshDatabase, type FreshDatabase } from '../testing/index.js';
import { LocalTransport } from '../transport/index.js';
import type { ModuleEntry } from './application.js';
import { Host } from './host.js';

const journal: string[] = [];

/** A module that takes its time to begin, and may have a migration. */
function guest(name: string, migrations: (new () => MigrationInterface)[] = []): ModuleEntry {
  @Injectable()
  class Guest implements OnApplicationBootstrap, OnApplicationShutdown {
    async onApplicationBootstrap(): Promise<void> {
      journal.push(`${name} begins`);
      await sleep(20);
      journal.push(`${name} has begun`);
    }
    onApplicationShutdown(): void {
      journal.push(`${name} ends`);
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
  return new Host({
    application: { name: 'party', modules },
    modules: modules.map(({ contract }) => contract.name),
    transport: new LocalTransport(),
    database,
    logger: false,
  });
}

describe('a host that starts several modules', () => {
  // @nestjs/cqrs keeps lists of a process that the container which starts first takes whole: it must be the same one
  // each time
  it('runs their hooks in the order of its list, one module after the other', async () => {
    const host = hostOf([guest('ann'), guest('bob')]);
    await host.start();
    expect(journal.splice(0)).toEqual(['ann begins', 'ann has begun', 'bob begins', 'bob has begun']);
    await host.close();
    expect(journal.splice(0)).toEqual(['ann ends', 'bob ends']);
  });

  it('leaves no connection of any of them when the data of one cannot be opened', async () => {
    const database = await freshDatabase();
    const host = hostOf(
      [guest('ann', [Tables1700000000000]), guest('bob', [Broken1700000000000]), guest('cat', [Tables1700000000000])],
      database,
    );
    await expect(host.start()).rejects.toMatchObject({ code: 'fledge.startup.migration-failed' });
    expect(await connectionsTo(database)).toBe(0);
    await database.drop();
  });
});

async function connectionsTo({ url }: FreshDatabase): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      "select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name like 'fledge:%'",
    );
    return rows[0]?.count ?? -1;
  } finally {
    await client.end();
  }
}
