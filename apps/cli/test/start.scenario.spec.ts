import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { databaseRolesSql, freePort } from '@fledge/kit/operations';
import { eventually } from '@fledge/kit/testing';
import { Client } from 'pg';

const HERE = join(process.cwd(), 'apps/cli/test');
const WITHIN_MS = 20_000;
const ONE = 'services: { one: { modules: [a, b] } }\ndrain: { notice: 0s, timeout: 100ms }\n';
const TWO =
  'transport: nats\nservices: { first: { modules: [a] }, second: { modules: [b] } }\ndrain: { notice: 0s, timeout: 100ms }\n';
const OUTSIDE = { DATABASE_URL: 'postgres://db.test/shop', NATS_URL: 'nats://nats.test:4222' };

/** `fledge` in its own process and project. */
class Fledge {
  output = '';
  private readonly ended: Promise<number | string>;
  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code ?? -1)));
  }

  async says(text: string | RegExp): Promise<void> {
    await eventually(() => expect(this.output).toMatch(text), `'${String(text)}' is said`, WITHIN_MS);
  }

  /** Sends a signal, if given, and returns the exit code (or the signal that ended the process). */
  async end(signal?: NodeJS.Signals): Promise<number | string> {
    if (signal) this.child.kill(signal);
    return this.ended;
  }
}

let project: string;
let port: number;
const started: Fledge[] = [];

function fledge(args: readonly string[], env: Record<string, string> = {}): Fledge {
  const { DATABASE_URL, NATS_URL, FLEDGE_PORT, ...rest } = process.env;
  void [DATABASE_URL, NATS_URL, FLEDGE_PORT];
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--conditions', '@fledge/source', join(HERE, 'fledge.fixture.mjs'), ...args],
    {
      cwd: project,
      env: { ...rest, NODE_OPTIONS: '', PORT: String(port), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const run = new Fledge(child);
  started.push(run);
  return run;
}

interface Answer {
  readonly service: string;
  readonly pid: number;
  readonly DATABASE_URL?: string;
  readonly NATS_URL?: string;
  readonly secrets: Readonly<Record<string, string>>;
}

async function get(path: string): Promise<Answer> {
  return (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Answer;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // no such process
    return false;
  }
}

const gone = (...pids: number[]): Promise<void> =>
  eventually(() => !pids.some(isAlive), `the end of the processes ${pids.join(', ')}`, WITHIN_MS);

beforeEach(async () => {
  project = mkdtempSync(join(tmpdir(), 'fledge-start-'));
  mkdirSync(join(project, 'config'));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ fledge: { app: relative(project, join(HERE, 'fake-app.fixture.mjs')), demo: ['ann / secret'] } }),
  );
  port = await freePort('127.0.0.1');
  for (const [name, text] of [
    ['monolith', ONE],
    ['split', TWO],
  ])
    writeFileSync(join(project, `config/${name}.yaml`), `${text}http: { port: \${PORT} }\n`);
});

afterEach(async () => {
  for (const run of started.splice(0)) {
    if (run.child.exitCode === null && run.child.signalCode === null) await run.end('SIGTERM');
  }
  rmSync(project, { recursive: true, force: true });
});

describe('fledge start', () => {
  it('runs a single service directly on the port, prints its address, and stops everything on Ctrl-C', async () => {
    const run = fledge(['start'], OUTSIDE);
    await run.says('Ctrl-C');
    expect(run.output).toContain('config/monolith.yaml runs as one process.');
    expect(run.output).toContain(`Browse     http://127.0.0.1:${port}/docs`);
    expect(run.output).toContain('one    | one listens');
    const { pid, ...told } = await get('/a');
    expect(told).toEqual({ service: 'one', ...OUTSIDE, secrets: {} });
    expect(await run.end('SIGINT')).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  it.each(['monolith', 'split'])('prints the address when any free port will do: %s', async (name) => {
    const run = fledge(['start', name], { ...OUTSIDE, PORT: '0' });
    await run.says('Ctrl-C');
    const [, url = ''] = /Browse +(http:\S+)\/docs/.exec(run.output) ?? [];
    expect((await fetch(`${url}/a`)).status).toBe(200);
    expect(await run.end('SIGINT')).toBe(0);
  });

  it.each([
    ['one process', ONE],
    ['several services', TWO],
  ])('prints where the pages are when they have a port of their own: %s', async (_, text) => {
    writeFileSync(join(project, 'config/admin.yaml'), `${text}http: { port: \${PORT}, adminPort: 0 }\n`);
    const run = fledge(['start', 'admin'], OUTSIDE);
    await run.says('Ctrl-C');
    expect(run.output).toContain(`Requests   http://127.0.0.1:${port}\n`);
    const [, url = ''] = /Browse +(http:\S+\/docs)\n/.exec(run.output) ?? [];
    expect(url).not.toContain(`:${port}/`);
    expect((await fetch(url)).status).toBe(200);
    expect(await run.end('SIGINT')).toBe(0);
  });

  it('runs several services behind one front door, and restarts one that dies', async () => {
    const run = fledge(['start', 'split'], OUTSIDE);
    await run.says('runs as 2 services');
    const [first, second] = [await get('/a/x'), await get('/b?y')];
    expect([first.service, second.service]).toEqual(['first', 'second']);
    await fetch(`http://127.0.0.1:${port}/a/crash`).then((answer) => answer.text());
    await run.says('first  | ended (exit code 3), and is started again in 250 ms');
    await run.says('first  | is ready again');
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200,
      'the front door is ready',
      WITHIN_MS,
    );
    const again = await get('/a');
    expect([again.service, again.pid === first.pid]).toEqual(['first', false]);
    expect(await run.end('SIGTERM')).toBe(0);
    await gone(again.pid, second.pid);
  });

  it('stops its services when it is killed', async () => {
    const run = fledge(['start', 'split'], OUTSIDE);
    await run.says('Ctrl-C');
    const pids = [(await get('/a')).pid, (await get('/b')).pid];
    expect(await run.end('SIGKILL')).toBe('SIGKILL');
    await gone(...pids);
  });

  it('starts a broker that ends with it', async () => {
    symlinkSync(join(process.cwd(), '.ci'), join(project, '.ci'));
    const run = fledge(['start', 'split'], { DATABASE_URL: OUTSIDE.DATABASE_URL });
    await run.says('Ctrl-C');
    const { NATS_URL } = await get('/a');
    expect(run.output).toContain(`Broker     ${NATS_URL}`);
    expect(await run.end('SIGTERM')).toBe(0);
    await expect(fetch(String(NATS_URL).replace('nats:', 'http:'))).rejects.toThrow();
  });

  it('prints the same SQL for the logins of modules each time, which names the database and no password', async () => {
    const roles = async (...args: readonly string[]): Promise<string> => {
      const run = fledge(['database', 'roles', ...args], { ...OUTSIDE });
      return `${await run.end()} ${run.output}`;
    };
    const printed = await roles();
    expect(printed).toBe(`0 ${databaseRolesSql('shop', ['a', 'b'])}`);
    expect(await roles('--database', 'shop', 'b', 'a')).toBe(printed);
    expect(await roles('--database', 'other', 'b')).toBe(`0 ${databaseRolesSql('other', ['b'])}`);
    expect(await roles('c')).toBe("1 fledge: the application has no module 'c'. It has: a, b.\n");
  });

  // Each service inherited the whole environment, with the secrets of all.
  it('gives each service the secrets of its own modules alone', async () => {
    writeFileSync(
      join(project, 'config/secret.yaml'),
      `transport: nats
http: { port: ${'${PORT}'} }
services: { one: { modules: [a] }, two: { modules: [b] } }
secrets: { a: { key: { env: SECRET_OF_A }, both: { env: SECRET_OF_BOTH } }, b: { both: { env: SECRET_OF_BOTH } } }
database: { url: ${'${DATABASE_URL}'}, modules: { b: { env: DATABASE_OF_B } } }
`,
    );
    const run = fledge(['start', 'secret'], {
      ...OUTSIDE,
      SECRET_OF_A: 'sa',
      SECRET_OF_BOTH: 'sab',
      DATABASE_OF_B: 'postgres://b@db/b',
    });
    await run.says('Ctrl-C');
    expect([(await get('/a')).secrets, (await get('/b')).secrets]).toEqual([
      { SECRET_OF_A: 'sa', SECRET_OF_BOTH: 'sab' },
      { SECRET_OF_BOTH: 'sab', DATABASE_OF_B: 'postgres://b@db/b' },
    ]);
    const environments = [(await get('/a')).pid, (await get('/b')).pid].map((pid) =>
      process.platform === 'linux' ? readFileSync(`/proc/${pid}/environ`, 'utf8') : '',
    );
    expect(environments[0]).not.toContain('DATABASE_OF_B');
    expect(environments[1]).not.toContain('SECRET_OF_A');
    expect(await run.end('SIGTERM')).toBe(0);
  });

  // It restarted the broker, but not PostgreSQL: everything had to be started again.
  it('restarts a PostgreSQL that dies', async () => {
    const run = fledge(['start']);
    await run.says('Ctrl-C');
    const { DATABASE_URL } = await get('/a');
    const [postmaster] = readFileSync(join(project, '.data/postgres/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
    await run.says('postgres | is ready again');
    const client = new Client({ connectionString: DATABASE_URL });
    await client.connect();
    await client.end();
    const lines = run.output.split('\n').filter((line) => line.startsWith('postgres |'));
    expect(lines[0]).toBe('postgres | ended (signal SIGKILL), and is started again in 250 ms');
    expect(lines.filter((line) => !/ is started again in \d+ ms$| is ready again$/.test(line))).toEqual([]);
    expect(await run.end('SIGINT')).toBe(0);
    await expect(new Client({ connectionString: DATABASE_URL }).connect()).rejects.toThrow();
  });

  it.each(['start', 'topology'])(
    'reports what the application finds wrong in the file, and starts nothing: %s',
    async (command) => {
      const run = fledge([command, 'split'], { ...OUTSIDE, FAKE_CHECK: "unknown key 'settings.a.x'" });
      expect([await run.end(), run.output]).toEqual([1, "config/split.yaml:1:1: unknown key 'settings.a.x'\n"]);
    },
  );

  it('exits when a service cannot start as things are, and points to its line of output', async () => {
    const run = fledge(['start', 'split'], { ...OUTSIDE, FAKE_REFUSES: 'second' });
    expect(await run.end()).toBe(1);
    expect(run.output).toContain('second | second has no such setting');
    expect(run.output).toContain('fledge: second cannot start as things are. Its own line above says why.');
    expect(run.output).not.toContain('started again');
  });

  it('kills a service that does not end within its drain time', async () => {
    const run = fledge(['start'], { ...OUTSIDE, FAKE_HANGS: 'one' });
    await run.says('Ctrl-C');
    const { pid } = await get('/a');
    expect(await run.end('SIGTERM')).toBe(0);
    expect(run.output).toContain('one    | did not end within 3100 ms and is killed');
    expect(isAlive(pid)).toBe(false);
  });

  it('exits at once on a second Ctrl-C', async () => {
    const run = fledge(['start'], { ...OUTSIDE, FAKE_HANGS: 'one' });
    await run.says('Ctrl-C');
    const { pid } = await get('/a');
    run.child.kill('SIGINT');
    await run.says('SIGINT: stopping');
    // the first half second counts as one Ctrl-C, because npm forwards it
    const again = setInterval(() => run.child.kill('SIGINT'), 100);
    expect(await run.end()).toBe(130);
    clearInterval(again);
    await gone(pid);
  });

  it('reports a port in use, a bad file, a wrong name and an unwritable folder in one line each', async () => {
    const squatter = await occupy(port);
    writeFileSync(join(project, 'config/bad.yaml'), 'services:\n  one: { modules: [a, c] }\n');
    writeFileSync(join(project, '.data'), 'a file, where a folder must be');
    const [busyOne, busyTwo, bad, wrong, many] = [
      fledge(['start']),
      fledge(['start', 'split'], OUTSIDE),
      fledge(['start', 'bad']),
      fledge(['start', 'splt']),
      fledge(['start', 'a', 'b']),
    ];
    expect(await Promise.all([busyOne.end(), busyTwo.end(), bad.end(), wrong.end(), many.end()])).toEqual([
      1, 1, 1, 1, 2,
    ]);
    const busy = `fledge: port ${port} on 127.0.0.1 is in use. Choose another with PORT, or end the process that holds it.\n`;
    expect([busyOne.output, busyTwo.output]).toEqual([busy, busy]);
    expect(bad.output).toBe(
      "config/bad.yaml:1:1: no service hosts the module 'b'. Add it to the 'modules' of a service.\nconfig/bad.yaml:2:23: unknown module 'c'. The application has: a, b.\n",
    );
    expect(wrong.output).toBe("fledge: there is no config/splt.yaml. Did you mean 'split'?\n");
    expect(many.output).toBe(
      "fledge: it takes one topology, but got 'a b'. Usage: fledge start [topology] [--watch] [--tls] [--inspect[=port]] [--only <service>,…] [--level <level>].\n",
    );
    squatter.close();
    const unwritable = fledge(['start']);
    expect(await unwritable.end()).toBe(1);
    expect(unwritable.output).toMatch(/^fledge: .*\.data\/postgres.*\n$/);
  });
});

describe('fledge', () => {
  it('prints which service hosts which modules', async () => {
    const run = fledge(['topology', 'split']);
    expect(await run.end()).toBe(0);
    expect(run.output).toBe(
      'config/split.yaml is sound: 2 services, transport nats\n  first    1 replica   a   /a\n  second   1 replica   b   /b\n',
    );
  });

  it('suggests the command that was meant, and says where it looked for a project', async () => {
    const typo = fledge(['strat']);
    expect([await typo.end(), typo.output]).toEqual([
      2,
      "fledge: there is no command 'strat'. Did you mean 'start'?\n",
    ]);
    writeFileSync(join(project, 'package.json'), '{}');
    const nowhere = fledge(['start']);
    expect(await nowhere.end()).toBe(1);
    expect(nowhere.output).toMatch(
      /^fledge: no package\.json from \S+ upward has a "fledge" section\. Run this in the folder of a project.*\n$/,
    );
  });
});

async function occupy(taken: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve));
  return server;
}
