import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshDatabase, type FreshDatabase, testNatsUrl } from '../../src/testing/index.js';

// the built application: `npm test` builds first
const MAIN = fileURLToPath(new URL('../../dist/test/tracing/orders.main.js', import.meta.url));

/** A line of a process's log, as JSON. */
export type LogLine = Readonly<Record<string, unknown>>;

/** How the traced application runs. */
export interface SystemOptions {
  /** Services and their modules; one service needs no broker. */
  readonly services: Readonly<Record<string, readonly string[]>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Files that each process loads before the application. */
  readonly imports?: readonly string[];
}

/** The traced application as real processes, on a database of its own. */
export class OrdersSystem {
  /** Everything that was logged, by service. */
  readonly lines = new Map<string, string[]>();
  private readonly processes: ChildProcess[] = [];
  private readonly ended: Promise<unknown>[] = [];
  private folder = '';
  private database: FreshDatabase | undefined;
  /** Of the service that hosts `orders`. */
  private url = '';

  static async start(options: SystemOptions): Promise<OrdersSystem> {
    const system = new OrdersSystem();
    try {
      await system.open(options);
      return system;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  /** Places an order; resolves with the status. */
  async place(order: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const response = await fetch(`${this.url}/orders/${order}/place?secret=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Sends a request to the service of `orders`, whatever its method; resolves with the status. */
  request(path: string, method: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, { method }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject).end();
    });
  }

  /** The metrics of all services, each line once: those of the modules are of the services that host them. */
  async metrics(accept = 'text/plain'): Promise<readonly string[]> {
    const urls = [...this.lines.values()].map((lines) => urlIn(lines.find(isReady)));
    const texts = await Promise.all(
      urls.map(async (url) => (await fetch(`${url}/metrics`, { headers: { accept } })).text()),
    );
    return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  }

  /** All log lines of all services that are JSON. */
  logged(): LogLine[] {
    return [...this.lines.values()].flat().map((line) => JSON.parse(line) as LogLine);
  }

  /** Ends the processes as a deployment would, which sends what they have not sent. */
  async stop(): Promise<void> {
    for (const child of this.processes) child.kill('SIGTERM');
    await Promise.all(this.ended);
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
    await this.database?.drop();
    this.database = undefined;
  }

  private async open({ services, env = {}, imports = [] }: SystemOptions): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), 'fledge-traced-'));
    this.database = await freshDatabase();
    const names = Object.keys(services);
    const topology = join(this.folder, 'topology.yaml');
    writeFileSync(
      topology,
      [
        `namespace: traced${randomBytes(4).toString('hex')}`,
        `transport: ${names.length > 1 ? 'nats' : 'local'}`,
        `nats: { url: '${names.length > 1 ? testNatsUrl() : ''}' }`,
        `database: { url: '${this.database.url}' }`,
        'http: { port: 0 }',
        // the server of tests has no other user
        'production: { allow: [postgres-superuser] }',
        'services:',
        ...names.map((name) => `  ${name}: { modules: [${services[name]?.join(', ')}] }`),
      ].join('\n'),
    );
    await Promise.all(names.map((name) => this.startService(name, topology, env, imports)));
    const [host = ''] = Object.entries(services).find(([, modules]) => modules.includes('orders')) ?? [];
    this.url = urlIn(this.lines.get(host)?.find(isReady));
  }

  private async startService(
    name: string,
    topology: string,
    env: Readonly<Record<string, string>>,
    imports: readonly string[],
  ): Promise<void> {
    const lines: string[] = [];
    this.lines.set(name, lines);
    const child = spawn(
      process.execPath,
      [...imports.flatMap((file) => ['--import', file]), MAIN, '--topology', topology, '--service', name],
      { env: { ...withoutOtel(), NODE_ENV: 'production', ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.processes.push(child);
    this.ended.push(once(child, 'exit'));
    await new Promise<void>((resolve, reject) => {
      const seen = (line: string): void => {
        lines.push(line);
        if (isReady(line)) resolve();
      };
      for (const stream of [child.stdout, child.stderr]) eachLine(stream, seen);
      child.on('close', () => reject(new Error(`${name} ended: ${lines.join('\n')}`)));
    });
  }
}

function isReady(line: string): boolean {
  return line.includes('is ready: ');
}

function urlIn(line = ''): string {
  return /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? '';
}

/** The environment of this process, which may itself be traced. */
function withoutOtel(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_') && name !== 'FLEDGE_LOG'),
  );
}

function eachLine(stream: NodeJS.ReadableStream, seen: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    parts.forEach(seen);
  });
}
