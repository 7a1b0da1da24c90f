import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@fledge/kit/operations';
import pg from 'pg';
import type { Random } from '../plan/random.js';
import { Disk } from './disk.js';
import { faketimeEnvironment } from './faketime.js';

const KEEPER = fileURLToPath(new URL('./postgres-keeper.js', import.meta.url));
/** The name of the lab's own connections at the server, which are spared. */
export const LAB_CONNECTION = 'fledge-lab';
const DISK_MEGABYTES = 400;
/** So that the write-ahead log leaves room on the small disk. */
const WAL_MEGABYTES = 64;

/** Some megabytes beside the write-ahead log, since a full log would end the server. */
const WRITE_SOME = 'create unlogged table lab.filler as select md5(n::text) from generate_series(1, 50000) n';

/** Possible injuries of a database, besides stopping it. */
export interface DatabaseOptions {
  /** The path of libfaketime: allows setting the server's clock. */
  readonly faketime: string | undefined;
  /** Its data is on a small disk, which can be filled. */
  readonly smallDisk: boolean;
}

/** A real PostgreSQL server that can be stopped and started on its data, with a separate clock and disk. */
export class Database {
  private keeper!: ChildProcess;
  private url = '';

  private constructor(
    private readonly dir: string,
    readonly port: number,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly clockFile: string,
    private readonly disk: Disk | undefined,
  ) {}

  /** Starts one in a folder below `dir`. */
  static async start(dir: string, { faketime, smallDisk }: DatabaseOptions): Promise<Database> {
    const home = join(dir, 'postgres');
    const disk = smallDisk ? await Disk.mount(home, DISK_MEGABYTES) : undefined;
    const clockFile = join(dir, 'database-clock');
    const database = new Database(
      join(home, 'data'),
      await freePort(),
      await environmentOf(dir, faketime, clockFile),
      clockFile,
      disk,
    );
    try {
      await database.run();
      if (disk !== undefined)
        await database.query([
          `alter system set max_wal_size = '${WAL_MEGABYTES}MB'`,
          `alter system set min_wal_size = '${WAL_MEGABYTES / 2}MB'`,
          'select pg_reload_conf()',
        ]);
      return database;
    } catch (error) {
      await database.stop();
      throw error;
    }
  }

  /** For the lab's own access to the tables, bypassing the injured proxies. */
  get ownUrl(): string {
    const url = new URL(this.url);
    url.searchParams.set('application_name', LAB_CONNECTION);
    return url.href;
  }

  /** For a service whose proxy has this port. */
  urlBy(port: number): string {
    const url = new URL(this.url);
    url.port = String(port);
    return url.href;
  }

  /** Cuts every session and stops the server, then starts it again on its data. */
  async restart(awayMs: number): Promise<void> {
    await this.halt();
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    await this.run();
  }

  /** Starts the server again if it has ended by itself, as it does if it cannot write its log. */
  async mend(): Promise<void> {
    if (
      await this.query(['select 1']).then(
        () => true,
        () => false,
      )
    )
      return;
    await this.halt();
    await this.run();
  }

  /** Sets the server's clock relative to the machine's, in milliseconds. */
  async setClock(byMs: number): Promise<void> {
    await writeFile(this.clockFile, `${byMs < 0 ? '-' : '+'}${Math.abs(byMs) / 1_000}\n`);
  }

  /** Fills the disk until `healed`. Resolves to whether a test write of the lab then failed for lack of space. */
  async fillDisk(healed: Promise<void>): Promise<boolean> {
    let isFull = false;
    await this.disk?.fill(async () => {
      isFull = await this.query([WRITE_SOME]).then(
        () => false,
        () => true,
      );
      await healed;
    });
    await this.mend();
    return isFull;
  }

  /**
   * Ends connections of services, as an administrator or a fail-over does: a random one, or all. Resolves to how many.
   */
  async endSessions(random: Random, every: boolean): Promise<number> {
    return this.with(async (client) => {
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where backend_type = 'client backend' and application_name <> '${LAB_CONNECTION}' order by pid`,
      );
      const ended = every || rows.length === 0 ? rows : [random.one(rows)];
      await client.query('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [ended.map(({ pid }) => pid)]);
      return ended.length;
    });
  }

  async stop(): Promise<void> {
    await this.halt();
    await this.disk?.unmount();
    await rm(this.dir, { recursive: true, force: true });
  }

  private query(texts: readonly string[]): Promise<void> {
    return this.with(async (client) => {
      for (const text of texts) await client.query(text);
    });
  }

  private async with<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: this.ownUrl, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async run(): Promise<void> {
    this.keeper = fork(KEEPER, [this.dir, String(this.port), JSON.stringify(this.environment), this.disk?.dir ?? ''], {
      execArgv: ['--no-warnings'],
      stdio: 'inherit',
    });
    const [answer] = (await Promise.race([
      once(this.keeper, 'message'),
      once(this.keeper, 'exit').then(() => [{ failure: 'the process that starts it ended' }]),
    ])) as [{ url?: string; failure?: string }];
    if (answer.url === undefined) throw new Error(`PostgreSQL did not start: ${answer.failure ?? ''}`);
    this.url = answer.url;
  }

  private async halt(): Promise<void> {
    if (this.keeper === undefined || this.keeper.exitCode !== null || this.keeper.signalCode !== null) return;
    const exited = once(this.keeper, 'exit');
    this.keeper.send('stop', () => undefined);
    await exited;
  }
}

/** The library is copied beside the data: the server's user may reach nothing else. */
async function environmentOf(dir: string, faketime: string | undefined, clockFile: string): Promise<NodeJS.ProcessEnv> {
  if (faketime === undefined) return {};
  const library = join(dir, 'libfaketime.so.1');
  await copyFile(faketime, library);
  await chmod(library, 0o755);
  await writeFile(clockFile, '+0\n', { mode: 0o644 });
  return faketimeEnvironment(library, clockFile);
}
