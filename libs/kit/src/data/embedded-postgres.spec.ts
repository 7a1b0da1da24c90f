import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { eventually } from '../testing/eventually.js';
import { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './index.js';

const FIXTURE = fileURLToPath(new URL('../../test/embedded-postgres.fixture.mjs', import.meta.url));
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const WITHIN_MS = 15_000;

let home: string;
const running: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fledge-embedded-'));
  await chmod(home, 0o755);
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(home, { recursive: true, force: true });
});

describe('the embedded PostgreSQL', () => {
  it('keeps its data over a restart, survives a power cut, and accepts 200 connections', async () => {
    const first = await start({ dir: join(home, 'data') });
    await query(first.url, 'create table kept (word text)');
    await query(first.url, "insert into kept values ('é')");
    await first.stop();

    const second = await start({ dir: join(home, 'data') });
    expect(await query(second.url, 'select upper(word) as word from kept')).toEqual([{ word: 'É' }]);
    expect(await settings(second.url)).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      max_connections: '200',
      listen_addresses: '127.0.0.1',
    });
  });

  // Only root runs the server as another user, who may have no access to a folder of root's.
  (isRoot ? it : it.skip)(
    'runs below a folder that is closed to its user, as a private temporary folder is',
    async () => {
      await chmod(home, 0o700);
      const first = await start({ dir: join(home, 'data') });
      await query(first.url, 'create table kept as select 1 as one');
      await first.stop();
      const second = await start({ dir: join(home, 'data') });
      expect(await query(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
    },
  );

  it('flushes nothing and leaves nothing behind as a throw-away server', async () => {
    const server = await start({ dir: join(home, 'data'), persistent: false });
    expect(await settings(server.url)).toMatchObject({
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
    });
    await server.stop();
    expect(existsSync(join(home, 'data'))).toBe(false);
  });

  it('asks for its password', async () => {
    const server = await start({ dir: join(home, 'data'), persistent: false });
    const url = new URL(server.url);
    url.password = 'guess';
    await expect(query(url.href, 'select 1')).rejects.toThrow('password authentication failed');
  });

  it('ends with all its processes, however often it is stopped, even with clients connected', async () => {
    const server = await start({ dir: join(home, 'data') });
    const client = new Client({ connectionString: server.url });
    client.on('error', () => undefined);
    await client.connect();
    const pids = await processesOf(join(home, 'data'));
    expect(pids.length).toBeGreaterThan(3);

    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('can be stopped after it has died, and started again despite the lock file that it left behind', async () => {
    const lines: string[] = [];
    const dir = join(home, 'data');
    const server = await start({ dir, log: (line) => lines.push(line) });
    const [postmaster] = await processesOf(dir);
    process.kill(Number(postmaster), 'SIGKILL');
    await eventually(
      () => lines.some((line) => line.includes('ended by itself (SIGKILL)')),
      'the log says that it ended',
      WITHIN_MS,
    );
    await server.stop();
    expect(existsSync(join(dir, 'postmaster.pid'))).toBe(true);

    const again = await start({ dir });
    expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  // Whoever ran an application with it had to restart everything.
  it('is kept up: a server that dies is restarted on its port, with its data, until it is stopped', async () => {
    const dir = join(home, 'data');
    const said: string[] = [];
    const server = await start({ dir, keepUp: (line) => said.push(line) });
    await query(server.url, 'create table kept as select 1 as one');
    for (const times of [1, 2]) {
      const [postmaster] = await processesOf(dir);
      process.kill(Number(postmaster), 'SIGKILL');
      await eventually(
        () => said.filter((line) => line === 'is ready again').length === times,
        'it is up again',
        60_000,
      );
      expect(await query(server.url, 'select one from kept')).toEqual([{ one: 1 }]);
    }
    expect(said[0]).toBe('ended (signal SIGKILL), and is started again in 250 ms');
    const pids = await processesOf(dir);
    await server.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('is not restarted if it is stopped in the pause before the restart', async () => {
    const dir = join(home, 'data');
    let stopped: Promise<void> | undefined;
    const server = await start({
      dir,
      keepUp: () => {
        stopped ??= server.stop();
      },
    });
    const [postmaster] = await processesOf(dir);
    process.kill(Number(postmaster), 'SIGKILL');
    await eventually(() => stopped !== undefined, 'it is stopped', WITHIN_MS);
    await stopped;
    await expect(query(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('starts despite a lock file whose process id now belongs to another program', async () => {
    const dir = join(home, 'data');
    await (await start({ dir })).stop();
    // owned by the server's own user: PostgreSQL ignores processes of other users
    const { uid } = await stat(dir);
    const other = spawn('sleep', ['60'], isRoot ? { uid } : {});
    children.push(other);
    await writeFile(join(dir, 'postmaster.pid'), `${other.pid}\n${dir}\n1700000000\n5432\n\n127.0.0.1\n\nready\n`);
    const again = await start({ dir });
    expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

// A topology has no key for the folder, although a hint once named one; the only alternative is an external server.
const OUT = ', or set DATABASE_URL to a PostgreSQL server.';

describe('an unsuitable folder or port ends in one clear error:', () => {
  it('the folder of a running server', async () => {
    const dir = join(home, 'data');
    const server = await start({ dir });
    const [postmaster] = await processesOf(dir);
    const failure = await failureOf({ dir });
    expect(failure.code).toBe('fledge.startup.postgres-running');
    expect(failure.message).toBe(
      `${dir} is in use by the PostgreSQL server with process id ${postmaster}, which listens on port ${new URL(server.url).port}`,
    );
    expect(failure.hint).toBe(
      `Stop the process that runs it (or \`kill ${postmaster}\`), or set DATABASE_URL to that server.`,
    );
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('a folder that cannot be created', async () => {
    await writeFile(join(home, 'file'), '');
    const dir = join(home, 'file', 'data');
    expect(await failureOf({ dir })).toMatchObject({
      code: 'fledge.startup.postgres-folder',
      message: `this user cannot write the PostgreSQL folder ${dir}`,
      hint: expect.stringContaining(OUT) as string,
    });
  });

  it('a folder with other files', async () => {
    await writeFile(join(home, 'thesis.txt'), '');
    expect(await failureOf({ dir: home })).toMatchObject({
      code: 'fledge.startup.postgres-folder',
      message: `${home} holds files that are not a PostgreSQL server's`,
      hint: expect.stringContaining(OUT) as string,
    });
  });

  it('a folder that a throw-away server would remove with its contents', async () => {
    await writeFile(join(home, 'thesis.txt'), '');
    expect(await failureOf({ dir: home, persistent: false })).toMatchObject({
      code: 'fledge.startup.postgres-folder',
      message: `${home} is not empty, and a temporary PostgreSQL would remove it when it ends`,
    });
    expect(existsSync(join(home, 'thesis.txt'))).toBe(true);
  });

  it("a folder that PostgreSQL refuses, with PostgreSQL's reason", async () => {
    const dir = join(home, 'data');
    await (await start({ dir })).stop();
    await writeFile(join(dir, 'PG_VERSION'), '9.6\n');
    const failure = await failureOf({ dir });
    expect(failure.code).toBe('fledge.startup.postgres-refused');
    expect(failure.message).toBe(
      `the embedded PostgreSQL did not start in ${dir}: database files are incompatible with server`,
    );
  });

  it('a port that is in use', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const failure = await failureOf({ dir: join(home, 'data'), port });
    taken.close();
    expect(failure).toMatchObject({
      code: 'fledge.startup.postgres-port',
      message: `port ${port} of 127.0.0.1, which the embedded PostgreSQL needs, is in use`,
    });
  });
});

describe('the process that started it', () => {
  it('can drain after Ctrl-C, which the whole process group gets, and ends without any error output', async () => {
    const { child, pids, output, ended } = await host('persistent');
    process.kill(-Number(child.pid), 'SIGINT');
    expect(await ended).toBe(0);
    expect(output()).toBe('drained\n');
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it.each([
    ['persistent', true],
    ['throw-away', false],
  ] as const)('takes the server down when it is killed (%s)', async (kind, kept) => {
    const { child, pids } = await host(kind);
    child.kill('SIGKILL');
    await eventually(() => pids.filter(isAlive).length === 0, 'its processes are gone', WITHIN_MS);
    await eventually(() => existsSync(join(home, 'data')) === kept, 'its folder is as it should be', WITHIN_MS);
  });

  (isRoot ? it : it.skip)(
    'may be an ordinary user (skipped unless root, who can become one; as any other user every test here shows it)',
    async () => {
      await chmod(home, 0o777);
      const { child, ended, pids } = await host('persistent', NOBODY);
      expect(Number(execFileSync('ps', ['-o', 'uid=', '-p', String(pids[0])]))).toBe(NOBODY);
      child.kill('SIGINT');
      expect(await ended).toBe(0);

      // and root can continue with that user's folder
      const server = await start({ dir: join(home, 'data') });
      expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    },
  );
});

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres(options);
  running.push(server);
  return server;
}

async function failureOf(options: EmbeddedPostgresOptions): Promise<{ code: string; message: string; hint: string }> {
  const outcome = await startEmbeddedPostgres(options).then(
    (server) => {
      running.push(server);
      return 'it started';
    },
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  return outcome as { code: string; message: string; hint: string };
}

/** Starts the fixture as a process group leader and waits for its server. */
async function host(kind: 'persistent' | 'throw-away', uid?: number) {
  const child = spawn(process.execPath, ['--no-warnings', FIXTURE, join(home, 'data'), kind], {
    detached: true,
    uid,
    gid: uid,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  const ended = once(child, 'close').then(([code]) => code as number | null);
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  await Promise.race([
    once(lines, 'line'),
    ended.then(() => Promise.reject(new Error(`the fixture ended:\n${output}`))),
  ]);
  lines.on('line', (line) => (output += `${line}\n`));
  return { child, ended, output: () => output, pids: await processesOf(join(home, 'data')) };
}

/** The process ids of the postmaster and its children. */
async function processesOf(dir: string): Promise<number[]> {
  const postmaster = Number((await readFile(join(dir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = all.map((line) => line.trim().split(/\s+/).map(Number));
  return [postmaster, ...pairs.filter(([, parent]) => parent === postmaster).map(([pid]) => Number(pid))];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // a zombie, which has ended but was not yet waited for, does not count
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function settings(url: string): Promise<Record<string, string>> {
  const names = ['fsync', 'full_page_writes', 'synchronous_commit', 'max_connections', 'listen_addresses'];
  const rows = (await query(
    url,
    `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`).join(',')})`,
  )) as { name: string; setting: string }[];
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}
