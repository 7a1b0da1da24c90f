import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Column, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';
import { BoundedModule } from '../bus/index.js';
import { defineContract } from '../contract/index.js';
import { eventually, freshDatabase, testNatsUrl } from '../testing/index.js';
import { LocalTransport, type Transport } from '../transport/index.js';
import { NatsTransport } from '@fledge/nats';
import { Host } from './host.js';

@Entity('shelf')
class ShelfRow {
  @PrimaryColumn('text') id!: string;
  @Column('text') label!: string;
}

class Shelves1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table shelf (id text primary key, label text not null)');
  }
  async down(): Promise<void> {}
}

const Shelves = defineContract({ name: 'shelves' });
@BoundedModule({ contract: Shelves, entities: [ShelfRow], migrations: [Shelves1700000000000] })
class ShelvesModule {}

/** Ends a hang: what is collected is told of when the process has time for it. */
const GONE_WITHIN_MS = 30_000;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

// One kept its host, with all that is in it, for ever: a suite of tests grew by megabytes a host.
it.each<[string, () => Transport]>([
  ['local', () => new LocalTransport()],
  [
    'nats',
    () =>
      new NatsTransport({ url: testNatsUrl(), namespace: `closed${randomBytes(4).toString('hex')}`, name: 'shelves' }),
  ],
])(
  'a host that is closed leaves nothing in memory: %s',
  async (_, transport) => {
    const database = await freshDatabase();
    let gone = 0;
    // a WeakRef that is looked at keeps what it names
    const registry = new FinalizationRegistry<undefined>(() => gone++);
    const startAndClose = async (): Promise<void> => {
      const host = new Host({
        application: { name: 'library', modules: [{ contract: Shelves, load: () => Promise.resolve(ShelvesModule) }] },
        modules: ['shelves'],
        transport: transport(),
        database: { url: database.url },
        http: { port: 0 },
        logger: false,
      });
      await host.start();
      expect((await fetch(`http://127.0.0.1:${host.port}/metrics`)).status).toBe(200);
      await host.close();
      registry.register(host, undefined);
    };
    for (let i = 0; i < 3; i++) await startAndClose();
    await eventually(
      () => {
        collectGarbage();
        // the newest may still be on the stack
        expect(gone).toBeGreaterThan(1);
      },
      'they are gone',
      GONE_WITHIN_MS,
    );
    await database.drop();
  },
  2 * GONE_WITHIN_MS,
);
