import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@fledge/kit/operations';
import { eventually } from '@fledge/kit/testing';

// built: the processes that it starts load files of its own
const FLEDGE = join(process.cwd(), 'dist/apps/cli/src/main.js');
const WITHIN_MS = 60_000;
const SPLIT = `transport: nats
services: { first: { modules: [a] }, second: { modules: [b] } }
drain: { notice: 5s, timeout: 1s }
http: { port: \${PORT} }
`;
const ENV = {
  DATABASE_URL: 'postgres://db.test/shop',
  NATS_URL: 'nats://nats.test:4222',
  FLEDGE_SIGNING_KEY: 'signing-key-of-a-service',
};

/** An application that keeps the rules of `fledge start`: two modules, a contract that both load. */
const MAIN = `import 'reflect-metadata';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
const { values } = parseArgs({ options: { topology: { type: 'string' }, service: { type: 'string' }, check: { type: 'boolean' }, 'list-modules': { type: 'boolean' } } });
const startedAt = Date.now() - process.uptime() * 1000;
if (values['list-modules']) console.log(JSON.stringify({ modules: [{ name: 'a', routes: ['/a'] }, { name: 'b', routes: ['/b'] }] }));
else if (!values.check) {
  const { text } = values.service === 'first' ? await import('./a.js') : await import('./b.js');
  const server = createServer((request, response) => {
    if (request.url !== '/readyz') {
      console.log('LOG of ' + values.service);
      console.error('ERROR of ' + values.service);
    }
    response.end(JSON.stringify({ text: text(), pid: process.pid, startedAt, notice: process.env.FLEDGE_DRAIN_NOTICE, key: process.env.FLEDGE_SIGNING_KEY }));
  });
  process.on('SIGTERM', () => server.close(() => process.exit(0)).closeAllConnections());
  process.on('disconnect', () => process.exit(0));
  server.listen(Number(process.env.FLEDGE_PORT), '127.0.0.1');
}
`;
const SOURCES = {
  'main.ts': MAIN,
  'contract.ts': "export const version: string = 'v1';\n",
  'a.ts': "import { version } from './contract.js';\nexport const text = (): string => `a ${version}`;\n",
  'b.ts': "import { version } from './contract.js';\nexport const text = (): string => `b ${version}`;\n",
  'nobody.ts': 'export const nothing = 1;\n',
};
const aThatSays = (text: string): string => `export const text = (): string => '${text}';\n`;

/** `fledge` in its own process. */
class Fledge {
  output = '';
  readonly ended: Promise<number | string>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code ?? -1)));
  }

  async says(text: string | RegExp, after = 0): Promise<void> {
    await eventually(() => expect(this.output.slice(after)).toMatch(text), `'${String(text)}' is said`, WITHIN_MS);
  }
}

interface Answer {
  readonly text: string;
  readonly pid: number;
  readonly startedAt: number;
  readonly notice?: string;
  readonly key?: string;
}

let project: string;
let port: number;
let run: Fledge;
const started: Fledge[] = [];

function fledge(args: readonly string[], cwd = project): Fledge {
  const env = { ...process.env, ...ENV, NODE_OPTIONS: '', PORT: String(port) };
  const one = new Fledge(spawn(process.execPath, [FLEDGE, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }));
  started.push(one);
  return one;
}

const save = (file: string, text: string): void => writeFileSync(join(project, 'src', file), text);

async function get(path: '/a' | '/b'): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as Answer;
}

/** Waits until a module answers a text; returns its answer. */
async function until(path: '/a' | '/b', text: string): Promise<Answer> {
  let last: Answer | undefined;
  await eventually(
    async () => {
      last = await get(path);
      expect(last.text).toBe(text);
    },
    `${path} answers '${text}'`,
    WITHIN_MS,
  );
  return last as Answer;
}

const restartsOf = (service: string, after = 0): number =>
  [...run.output.slice(after).matchAll(new RegExp(`restarting .*\\b${service}\\b`, 'g'))].length;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'fledge-watch-'));
  for (const folder of ['config', 'src']) mkdirSync(join(project, folder));
  symlinkSync(join(process.cwd(), 'node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', fledge: { app: 'dist/main.js' } }));
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    types: ['node'],
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'dist',
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
  writeFileSync(join(project, 'config/split.yaml'), SPLIT);
  for (const [file, text] of Object.entries(SOURCES)) save(file, text);
  port = await freePort('127.0.0.1');
  run = fledge(['start', 'split', '--watch', '--inspect=20300']);
  await run.says('Ctrl-C');
});

afterAll(async () => {
  for (const one of started) {
    if (one.child.exitCode === null && one.child.signalCode === null) one.child.kill('SIGTERM');
    await one.ended;
  }
  rmSync(project, { recursive: true, force: true });
});

describe('fledge start --watch', () => {
  it('builds what was never built, and gives each service an inspector on this machine', async () => {
    const inspectors = [...run.output.matchAll(/127\.0\.0\.1:(\d+) {2}(first|second)$/gm)];
    expect(inspectors.map(([, , name]) => name)).toEqual(['first', 'second']);
    for (const [, inspectPort] of inspectors) {
      const targets = (await (await fetch(`http://127.0.0.1:${inspectPort}/json/list`)).json()) as { url: string }[];
      expect(targets.map(({ url }) => url)).toEqual([expect.stringMatching(/dist\/main\.js$/)]);
    }
    expect((await get('/a')).notice).toBe('0s');
  });

  it('restarts only the service that has loaded the file, in a process that was prepared, with its inspector', async () => {
    const [a, b] = [await get('/a'), await get('/b')];
    const savedAt = Date.now();
    save('a.ts', aThatSays('a2'));
    const again = await until('/a', 'a2');
    expect(again.pid).not.toBe(a.pid);
    expect(again.startedAt).toBeLessThan(savedAt);
    // it was prepared without the key of a service, and got one when it became this service
    expect(again.key).toBe(ENV.FLEDGE_SIGNING_KEY);
    const prepared = process.platform === 'linux' ? readFileSync(`/proc/${again.pid}/environ`, 'utf8') : '';
    expect(prepared).not.toContain(ENV.FLEDGE_SIGNING_KEY);
    expect((await get('/b')).pid).toBe(b.pid);
    await run.says(/^build +\| dist\/a\.js changed: restarting first$/m);
    await run.says(/^build +\| first runs the new code after \d+ ms$/m);
    const [, inspectPort] = /127\.0\.0\.1:(\d+) {2}first/.exec(run.output) ?? [];
    expect((await fetch(`http://127.0.0.1:${inspectPort}/json/version`)).status).toBe(200);
  });

  it('restarts every service that has loaded the file', async () => {
    save('a.ts', SOURCES['a.ts']);
    const [a, b] = [await until('/a', 'a v1'), await get('/b')];
    save('contract.ts', "export const version: string = 'v2';\n");
    expect((await until('/a', 'a v2')).pid).not.toBe(a.pid);
    expect((await until('/b', 'b v2')).pid).not.toBe(b.pid);
  });

  it('restarts nothing when a file was only touched, means the same, or no service has loaded it', async () => {
    const [before, since] = [await get('/a'), run.output.length];
    save('b.ts', SOURCES['b.ts']);
    save('a.ts', `${SOURCES['a.ts']}export type Nothing = undefined;\n`);
    save('nobody.ts', 'export const nothing = 2;\n');
    await run.says(/^build +\| dist\/nobody\.js changed: no service has loaded that$/m, since);
    save('b.ts', "export const text = (): string => 'b3';\n");
    await until('/b', 'b3');
    expect([(await get('/a')).pid, restartsOf('first', since), restartsOf('second', since)]).toEqual([
      before.pid,
      0,
      1,
    ]);
  });

  it('restarts once for several saves, and again for one that comes during a restart', async () => {
    const since = run.output.length;
    for (const text of ['one', 'two', 'three']) save('a.ts', aThatSays(text));
    await run.says('restarting first', since);
    expect(restartsOf('first', since)).toBe(1);
    save('a.ts', aThatSays('four'));
    await until('/a', 'four');
    expect(restartsOf('first', since)).toBe(2);
  });

  it('says once what does not compile, lets what runs go on, and loads nothing of it', async () => {
    const [a, since] = [await get('/a'), run.output.length];
    save('a.ts', "export const text = (): number => 'broken';\n");
    await run.says(/^build +\| 1 error: what runs goes on as it was$/m, since);
    expect(run.output.slice(since)).toMatch(
      /^build +\| src\/a\.ts:1:\d+ - error TS2322: Type 'string' is not assignable to type 'number'\.$/m,
    );
    expect((await get('/a')).pid).toBe(a.pid);
    const restart = fledge(['restart', 'first']);
    expect([await restart.ended, restart.output]).toEqual([
      0,
      expect.stringMatching(/^first is ready again after \d+ ms\n$/),
    ]);
    expect(await until('/a', 'four')).not.toMatchObject({ pid: a.pid });
    save('a.ts', aThatSays('mended'));
    await until('/a', 'mended');
    expect(run.output.slice(since).match(/error TS2322/g)).toHaveLength(1);
    expect(run.output.slice(since)).toMatch(/^build +\| no more errors$/m);
  });

  it('waits for a change when new code ends before it is ready', async () => {
    const since = run.output.length;
    save('a.ts', "throw new Error('at once');\nexport const text = (): string => 'never';\n");
    await run.says(/^first +\| ended \(exit code 1\) before it was ready, and waits for a change$/m, since);
    expect(run.output.slice(since)).not.toContain('started again');
    const restart = fledge(['restart', 'first']);
    expect([await restart.ended, restart.output]).toEqual([
      1,
      'fledge: first ended before it was ready again. Its own lines, where it was started, say why.\n',
    ]);
    save('a.ts', aThatSays('works'));
    await until('/a', 'works');
  });

  it('restarts what a change of settings concerns, and says what needs a new start', async () => {
    const [a, b, since] = [await get('/a'), await get('/b'), run.output.length];
    const file = join(project, 'config/split.yaml');
    writeFileSync(file, `${SPLIT}settings: { b: { demo: true } }\n`);
    await run.says(/^fledge +\| config\/split\.yaml changed: restarting second$/m, since);
    await eventually(async () => (await get('/b')).pid !== b.pid, 'second is another process', WITHIN_MS);
    writeFileSync(file, `${SPLIT}nonsense: 1\n`);
    await run.says(/^fledge +\| what runs goes on without the change of config\/split\.yaml$/m, since);
    writeFileSync(file, SPLIT.replace('modules: [b] }', 'modules: [b], replicas: 2 }'));
    await run.says(/split\.yaml: services changed: stop this and start it again to use that$/m, since);
    expect((await get('/a')).pid).toBe(a.pid);
    writeFileSync(file, SPLIT);
  });
});

describe('fledge restart', () => {
  it('names the service that was meant', async () => {
    const wrong = fledge(['restart', 'frist']);
    expect([await wrong.ended, wrong.output]).toEqual([
      1,
      "fledge: config/split.yaml has no service 'frist'. Did you mean 'first'?\n",
    ]);
  });

  it('says that nothing runs, also when a start was killed and left its socket, which the next one replaces', async () => {
    run.child.kill('SIGKILL');
    await run.ended;
    expect(existsSync(join(project, '.data/fledge.sock'))).toBe(true);
    const late = fledge(['restart', 'first']);
    expect([await late.ended, late.output]).toEqual([
      1,
      `fledge: no \`fledge start\` runs in ${project}. Start the application here first: fledge start.\n`,
    ]);
    port = await freePort('127.0.0.1');
    run = fledge(['start', 'split', '--only', 'second', '--level', 'error']);
    await run.says('Ctrl-C');
    const [a, b] = [await get('/a'), await get('/b')];
    expect(b.notice).toBeUndefined();
    const again = fledge(['restart', 'first']);
    expect(await again.ended).toBe(0);
    expect((await get('/a')).pid).not.toBe(a.pid);
    expect((await get('/b')).pid).toBe(b.pid);
    await run.says(/^second \| ERROR of second$/m);
    expect(run.output).not.toMatch(/LOG of|of first/);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(existsSync(join(project, '.data/fledge.sock'))).toBe(false);
  });
});

describe('the arguments of fledge start', () => {
  it('are refused in one line each', async () => {
    const runs = [['--inspect=80'], ['--level', 'loud'], ['--wacth'], ['split', '--only', 'secnd']].map((args) =>
      fledge(['start', ...args]),
    );
    expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual([2, 2, 2, 1]);
    expect(runs.map(({ output }) => output.replace(/ Usage: .*/, ''))).toEqual([
      "fledge: --inspect takes a port from 1024 to 65535, but got '80'.\n",
      "fledge: --level is one of verbose, debug, log, warn, error, fatal, but got 'loud'.\n",
      "fledge: unknown option '--wacth'.\n",
      "fledge: config/split.yaml has no service 'secnd'. Did you mean 'second'?\n",
    ]);
  });

  it('name a tsconfig that can be watched', async () => {
    const file = join(project, 'tsconfig.json');
    const sound = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ files: [], references: [{ path: './src' }] }));
    const refused = fledge(['start', 'split', '--watch']);
    expect([await refused.ended, refused.output]).toEqual([
      1,
      `fledge: ${file} refers to other projects, which are not watched with it. Name the configuration to watch in package.json: "fledge": { "tsconfig": "tsconfig.build.json" }. Or build by other means, and leave out --watch.\n`,
    ]);
    writeFileSync(file, sound);
  });
});
