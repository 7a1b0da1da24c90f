import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import type { MigrationInterface } from 'typeorm';
import { eventually } from '../testing/eventually.js';
import { freshDatabase, type FreshDatabase } from '../testing/fresh-database.js';
import { openModuleData, type ModuleDataSource } from './index.js';

const WITHIN_MS = 20_000;

// this file tests lost connections; their log lines would only be noise
Logger.overrideLogger(false);

const ROUNDS = 20;
/** How PostgreSQL ends a connection's startup: ready and idle. */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');
const FATAL = errorResponse('SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command');

let database: FreshDatabase;
let proxy: EndingProxy;
const open: ModuleDataSource[] = [];

beforeEach(async () => {
  database = await freshDatabase();
  proxy = await EndingProxy.before(database.url);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((source) => source.destroy()));
  await proxy.close();
  await database.drop();
});

// For one turn between pg-pool's listener and TypeORM's there was none: the event ended the process or, as here, failed
// the test.
describe('a connection that the server ends', () => {
  it('in the segment that says it is ready fails only its query', async () => {
    const source = await opened(proxy.url);
    await dropIdle(source);
    proxy.endNext = true;
    await expect(source.query('select 1 as one')).rejects.toThrow();
    expect(proxy.ended).toBe(1);
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('in that segment fails only the transaction for which it was opened', async () => {
    const source = await opened(proxy.url);
    await dropIdle(source);
    proxy.endNext = true;
    await expect(source.transaction(() => source.query('select 1'))).rejects.toThrow();
    expect(proxy.ended).toBe(1);
    expect(await source.transaction(() => source.query('select 1 as one'))).toEqual([{ one: 1 }]);
  });

  it('in that segment while a module starts fails at most that start', async () => {
    // those of the lock, of the migrations, and the first of the pool
    const owner = new Client({ connectionString: database.url });
    await owner.connect();
    for (const number of [1, 2, 3]) {
      await owner.query('drop schema if exists alpha cascade');
      proxy.endNumber = proxy.count + number;
      await opened(proxy.url).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'fledge.startup.database-unreachable' }),
      );
      expect(proxy.ended).toBe(number);
    }
    await owner.end();
  });

  it(`fails only what runs on it, even if all of a module's are ended ${ROUNDS} times`, async () => {
    const source = await opened(database.url);
    let done = false;
    const worked = Array.from({ length: 15 }, async (_, worker) => {
      let answered = 0;
      while (!done) {
        try {
          if (worker % 3 === 0) await source.query('select 1');
          else if (worker % 3 === 1) await source.transaction(() => source.query('select 1'));
          else await byHand(source);
          answered += 1;
        } catch {
          // each kill fails what runs; it only matters that the module can continue
        }
      }
      return answered;
    });
    const owner = new Client({ connectionString: database.url });
    await owner.connect();
    for (let round = 0; round < ROUNDS;) {
      const { rowCount } = await owner.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'fledge:alpha'",
      );
      if (rowCount !== 0) round += 1;
    }
    await owner.end();
    done = true;
    expect((await Promise.all(worked)).every((answered) => answered > 0)).toBe(true);
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

class Nothing1700000000000 implements MigrationInterface {
  async up(): Promise<void> {}
  async down(): Promise<void> {}
}

async function opened(url: string): Promise<ModuleDataSource> {
  const source = await openModuleData({ module: 'alpha', url, entities: [], migrations: [Nothing1700000000000] });
  open.push(source);
  return source;
}

/** Makes the next query open a connection. */
async function dropIdle(source: ModuleDataSource): Promise<void> {
  const pool = (source.driver as unknown as { master: { idleCount: number } }).master;
  await proxy.cut();
  await eventually(() => pool.idleCount === 0, 'the pool has no idle connection', WITHIN_MS);
}

async function byHand(source: ModuleDataSource): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    await runner.startTransaction();
    await runner.query('select 1');
    await runner.commitTransaction();
  } finally {
    await runner.release();
  }
}

/** A proxy in front of PostgreSQL that can end a new connection in the segment that says it is ready. */
class EndingProxy {
  /** Ends the next connection. */
  endNext = false;
  /** Ends the connection of this number. */
  endNumber = 0;
  count = 0;
  ended = 0;
  private readonly pairs = new Set<readonly [Socket, Socket]>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {
    server.on('connection', (client) => this.take(client));
  }

  static async before(url: string): Promise<EndingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new EndingProxy(server, new URL(url));
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** Cuts all connections, as a network failure does. */
  async cut(): Promise<void> {
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
    await eventually(() => this.pairs.size === 0, 'all connections are cut', WITHIN_MS);
  }

  async close(): Promise<void> {
    await this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(client: Socket): void {
    const ends = this.endNext || ++this.count === this.endNumber;
    this.endNext = false;
    const server = connect(Number(this.target.port), this.target.hostname);
    const pair = [client, server] as const;
    this.pairs.add(pair);
    for (const [one, other] of [pair, [server, client] as const]) {
      one.on('error', () => undefined);
      one.on('close', () => {
        other.destroy();
        this.pairs.delete(pair);
      });
    }
    client.on('data', (data) => server.write(data));
    server.on('data', (data) => {
      if (!ends || !data.subarray(-READY.length).equals(READY)) return void client.write(data);
      this.ended += 1;
      client.end(Buffer.concat([data, FATAL]));
    });
  }
}

function errorResponse(...fields: readonly string[]): Buffer {
  const body = Buffer.from(`${fields.join('\0')}\0\0`, 'latin1');
  const head = Buffer.from('E\0\0\0\0', 'latin1');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
