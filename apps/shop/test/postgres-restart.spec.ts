import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@fledge/kit/testing';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WITHIN_MS = 120_000;

let project: string;
let child: ChildProcess;
let output = '';

/** Runs `fledge start` for the built shop, in a project of its own. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'fledge-shop-'));
  mkdirSync(join(project, 'config'));
  cpSync(join(ROOT, 'config/monolith.yaml'), join(project, 'config/monolith.yaml'));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ fledge: { app: relative(project, join(ROOT, 'dist/apps/shop/src/main.js')), demo: [] } }),
  );
  const { DATABASE_URL, NATS_URL, ...env } = process.env;
  void [DATABASE_URL, NATS_URL];
  child = spawn(process.execPath, [join(ROOT, 'dist/apps/cli/src/main.js'), 'start'], {
    cwd: project,
    env: { ...env, NODE_OPTIONS: '', PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
});

afterAll(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  rmSync(project, { recursive: true, force: true });
});

const says = (text: string): Promise<void> =>
  eventually(() => expect(output).toContain(text), `it says '${text}'`, WITHIN_MS);

// PostgreSQL stayed down until somebody started all of it again.
it(
  'answers again by itself when its embedded PostgreSQL was killed, and says so in few lines',
  async () => {
    await says('Ctrl-C');
    const [, url] = /Browse +(http:\S+)\/docs/.exec(output) ?? [];
    const answer = async (): Promise<number> => (await fetch(`${url}/products`)).status;
    expect(await answer()).toBe(200);
    const [postmaster] = readFileSync(join(project, '.data/postgres/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
    await says('postgres | is ready again');
    await eventually(async () => expect(await answer()).toBe(200), 'the shop answers again', WITHIN_MS);
    expect(output).not.toMatch(/shop +\| ended/);
    expect(output).not.toContain('DEBUG');
  },
  3 * WITHIN_MS,
);
