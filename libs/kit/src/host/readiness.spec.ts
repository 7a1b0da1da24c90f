import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { Column, Entity, PrimaryColumn, type MigrationInterface, type QueryRunner } from 'typeorm';
import { startNatsServer } from '@fledge/cli/servers';
import { BoundedModule } from '../bus/index.js';
import { defineContract } from '../contract/index.js';
import { eventually, freshDatabase, type FreshDatabase } from '../testing/index.js';
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

const ShelvesContract = defineContract({ name: 'shelves' });
@BoundedModule({ contract: ShelvesContract, entities: [ShelfRow], migrations: [Shelves1700000000000] })
class ShelvesModule {}

const TalkContract = defineContract({ name: 'talk' });
@BoundedModule({ contract: TalkContract })
class TalkModule {}

// the loss of connections is what is tested here
Logger.overrideLogger(false);

/** The way to the database, which can be closed, or go silent. */
class Way {
  private readonly sockets = new Set<Socket>();
  private state: 'open' | 'closed' | 'silent' = 'open';
  taken = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(url: URL): Promise<Way> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const way = new Way(server, (server.address() as { port: number }).port);
    server.on('connection', (near) => way.carry(near, connect(Number(url.port), url.hostname)));
    return way;
  }

  become(state: 'open' | 'closed' | 'silent'): void {
    this.state = state;
    for (const socket of this.sockets) this.treat(socket);
  }

  close(): void {
    this.become('closed');
    this.server.close();
  }

  private carry(near: Socket, far: Socket): void {
    this.taken++;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      this.treat(from);
    }
  }

  private treat(socket: Socket): void {
    if (this.state === 'closed') socket.destroy();
    else if (this.state === 'silent') socket.pause();
    else socket.resume();
  }
}

describe('readiness', () => {
  let database: FreshDatabase;
  let way: Way;
  let host: Host | undefined;

  beforeEach(async () => {
    database = await freshDatabase();
    way = await Way.to(new URL(database.url));
  });
  afterEach(async () => {
    way.become('open');
    await host?.close();
    way.close();
    await database.drop();
  });

  const start = async (modules: readonly string[], transport: Transport = new LocalTransport()): Promise<void> => {
    const url = new URL(database.url);
    url.port = String(way.port);
    host = await new Host({
      application: {
        name: 'library',
        modules: [
          { contract: ShelvesContract, load: () => Promise.resolve(ShelvesModule) },
          { contract: TalkContract, load: () => Promise.resolve(TalkModule) },
        ],
      },
      modules,
      transport,
      database: { url: url.href },
      http: { port: 0 },
      logger: false,
    }).start();
  };
  const readyz = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${host?.port}/readyz`);
    return { code: answer.status, ...((await answer.json()) as object) };
  };
  const ready = { code: 200, status: 'ready' };
  const becomes = (expected: object): Promise<void> =>
    eventually(async () => expect(await readyz()).toEqual(expected), `the answer ${JSON.stringify(expected)}`, 10_000);

  // A replica that had lost its database was sent requests that it could only fail.
  it('is lost when the database is away, and comes back with it; the process lives on', async () => {
    await start(['shelves']);
    expect(await readyz()).toEqual(ready);
    way.become('closed');
    await becomes({ code: 503, status: 'not ready', failed: ['database'] });
    expect((await fetch(`http://127.0.0.1:${host?.port}/healthz`)).status).toBe(200);
    way.become('open');
    await becomes(ready);
  });

  it('is lost when the database does not answer, and comes back with it', async () => {
    await start(['shelves']);
    expect(await readyz()).toEqual(ready);
    way.become('silent');
    await becomes({ code: 503, status: 'not ready', failed: ['database'] });
    way.become('open');
    await becomes(ready);
  });

  // It was lost, and with it, of every service at once, the reads that need nothing but the database.
  it('is kept when the broker is away, and says what that takes away', async () => {
    const broker = await startNatsServer();
    await start(['talk'], new NatsTransport({ url: broker.url, namespace: 'readiness', name: 'talk' }));
    expect(await readyz()).toEqual(ready);
    const isDegraded = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${host?.port}/readyz`)).headers.has('x-envoy-degraded');
    expect(await isDegraded()).toBe(false);
    await broker.stop();
    await becomes({ ...ready, degraded: ['broker'] });
    expect(await isDegraded()).toBe(true);
    const again = await startNatsServer({ port: broker.port });
    await becomes(ready);
    await again.stop();
  });

  it('does not hang on a database that no module here uses', async () => {
    await start(['talk']);
    way.become('closed');
    expect(await readyz()).toEqual(ready);
    expect(way.taken).toBe(0);
  });

  it('asks over one connection, however often it is asked', async () => {
    await start(['shelves']);
    // the module itself takes some of its pool right after the start
    const ask = async (): Promise<void> => {
      const before = way.taken;
      await Promise.all(Array.from({ length: 50 }, readyz));
      expect(way.taken - before).toBeLessThanOrEqual(1);
    };
    await eventually(ask, 'fifty questions over one connection');
  });
});
