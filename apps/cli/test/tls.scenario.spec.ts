import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { NatsTransport } from '@fledge/nats';
import { freePort } from '@fledge/kit/operations';
import { eventually } from '@fledge/kit/testing';
import { Client } from 'pg';

const HERE = join(process.cwd(), 'apps/cli/test');
const WITHIN_MS = 60_000;

let project: string;
let port: number;
let run: { readonly child: ChildProcess; output: string; readonly ended: Promise<number | null> } | undefined;

function fledge(...args: readonly string[]): NonNullable<typeof run> {
  const { DATABASE_URL, NATS_URL, FLEDGE_PORT, NATS_CA, ...rest } = process.env;
  void [DATABASE_URL, NATS_URL, FLEDGE_PORT, NATS_CA];
  const child = spawn(
    process.execPath,
    ['--no-warnings', '--conditions', '@fledge/source', join(HERE, 'fledge.fixture.mjs'), ...args],
    { cwd: project, env: { ...rest, NODE_OPTIONS: '', PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const started = { child, output: '', ended };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (started.output += text));
  return (run = started);
}

beforeEach(async () => {
  project = mkdtempSync(join(tmpdir(), 'fledge-tls-'));
  mkdirSync(join(project, 'config'));
  const app = relative(project, join(HERE, 'fake-app.fixture.mjs'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ fledge: { app } }));
  const services = 'services: { first: { modules: [a] }, second: { modules: [b] } }';
  writeFileSync(
    join(project, 'config/split.yaml'),
    `transport: nats\nhttp: { port: \${PORT} }\n${services}\ndrain: { notice: 0s, timeout: 100ms }\n`,
  );
  port = await freePort('127.0.0.1');
});

afterEach(async () => {
  if (run?.child.exitCode === null && run.child.signalCode === null) run.child.kill('SIGTERM');
  await run?.ended;
  rmSync(project, { recursive: true, force: true });
});

const certs = (name: string): string => join(project, '.data/certs', name);

describe('fledge certs dev', () => {
  it('makes certificates that this account alone can read, and leaves good ones as they are', async () => {
    const first = fledge('certs', 'dev', '--name', 'broker.test');
    expect([await first.ended, first.output]).toEqual([
      0,
      expect.stringMatching(/authority +\.data\/certs\/ca\.pem +made/),
    ]);
    for (const name of ['ca', 'server', 'client'])
      for (const file of [`${name}.pem`, `${name}.key`]) expect(statSync(certs(file)).mode & 0o777).toBe(0o600);
    const before = readFileSync(certs('server.pem'));
    const second = fledge('certs', 'dev');
    expect([await second.ended, second.output]).toEqual([0, expect.stringMatching(/servers +\S+ +still good/)]);
    expect(readFileSync(certs('server.pem'))).toEqual(before);
  });

  it.each([
    [[], /fledge certs needs a subcommand\. Usage: fledge certs dev/],
    [['prod'], /fledge certs has no subcommand 'prod'\. Usage: fledge certs dev/],
    [['dev', 'now'], /it takes 0 arguments, but got 1/],
    [['dev', '--name', 'a b'], /'a b' is no host name/],
  ])('takes nothing else: %p', async (args, reason) => {
    const refused = fledge('certs', ...args);
    expect([await refused.ended, refused.output]).toEqual([2, expect.stringMatching(reason)]);
  });
});

interface Answer {
  readonly DATABASE_URL: string;
  readonly NATS_URL: string;
  readonly NATS_CA: string;
  readonly NATS_CERT: string;
  readonly NATS_KEY: string;
}

function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, ca: readFileSync(certs('ca.pem')), agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(JSON.parse(text) as Answer));
    }).on('error', reject);
  });
}

describe('fledge start --tls', () => {
  it('runs services, their PostgreSQL, their broker and the front door over TLS', async () => {
    const started = fledge('start', 'split', '--tls');
    await eventually(() => expect(started.output).toContain('Ctrl-C'), 'it has started', WITHIN_MS);
    expect(started.output).toContain(`Browse     https://127.0.0.1:${port}`);
    expect(started.output).toContain('Authority  .data/certs/ca.pem');
    expect(started.output).not.toContain('TLS handshake error');
    const told = await ask('/a');
    const url = new URL(told.DATABASE_URL);
    expect([url.searchParams.get('sslmode'), url.searchParams.get('sslrootcert')]).toEqual([
      'verify-full',
      certs('ca.pem'),
    ]);
    const client = new Client({ connectionString: url.href });
    await client.connect();
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    expect(rows).toEqual([{ ssl: true }]);
    expect(told.NATS_URL).toMatch(/^tls:/);
    const reach = async (tls: { ca: string; cert?: string; key?: string }): Promise<void> => {
      const transport = new NatsTransport({ url: told.NATS_URL, namespace: 'tls', tls });
      try {
        await transport.start();
      } finally {
        await transport.close();
      }
    };
    await reach({ ca: told.NATS_CA, cert: told.NATS_CERT, key: told.NATS_KEY });
    await expect(reach({ ca: told.NATS_CA })).rejects.toMatchObject({ code: 'fledge.startup.tls-client-certificate' });
    await expect(fetch(`http://127.0.0.1:${port}/a`)).rejects.toThrow();
  });
});
