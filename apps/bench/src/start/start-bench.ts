import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '@fledge/kit';
import pg from 'pg';
import { startBroker } from '../broker.js';
import { figure, median } from '../report.js';
import { type StartCost, StartedProcess, type Subject } from './started-process.js';

/** How much to start. */
export interface StartBenchOptions {
  /** The single-module services to start. */
  readonly modules?: readonly string[];
  /** Starts of each; the medians are reported. */
  readonly rounds: number;
  /** How long everything stays idle before memory is read again. */
  readonly idleMs: number;
}

/** The cost of starting one subject; medians. */
export interface StartRow extends StartCost {
  readonly name: string;
  /** Resident memory after the idle time; `undefined` if not measured. */
  readonly idleMiB: number | undefined;
  /** The ratio to the bare application. */
  readonly readyRatio: number;
  readonly cpuRatio: number;
  readonly idleRatio: number | undefined;
}

const MODULES = ['identity', 'catalog', 'inventory', 'ordering', 'payments', 'shipping', 'notifications'];
const BARE = 'bare Nest, Fastify and TypeORM';
const VALIDATING = 'the same, with ValidationPipe';
const BARE_TABLE =
  'create schema bare; create table bare.product (id uuid primary key, name text not null, "priceMinor" int not null)';

/**
 * Starts services of one module of the built shop (split) and a bare Nest application with Fastify and TypeORM on the
 * same PostgreSQL, alternately, the latter also with the pipe that loads class-validator, as contracts do; then all of
 * them together, to measure memory after some idle time. The shop as one process with the embedded PostgreSQL is
 * started on a new folder and on a used one.
 */
export async function benchStart({ modules = MODULES, rounds, idleMs }: StartBenchOptions): Promise<StartRow[]> {
  const dir = await mkdtemp(join(tmpdir(), 'fledge-bench-'));
  const postgres = await startEmbeddedPostgres({ dir: join(dir, 'postgres'), persistent: false });
  const broker = await startBroker(join(dir, 'nats'));
  try {
    await makeBareTable(postgres.url);
    const env = { DATABASE_URL: postgres.url, NATS_URL: broker.url };
    const subjects = [
      bare(BARE, env),
      bare(VALIDATING, env, '--validation'),
      ...modules.map((module) => service(module, env)),
    ];
    // schemas are created and migrated first: the bench measures the start of an existing service
    for (const subject of subjects) await (await StartedProcess.of(subject)).end();
    const costs = new Map<string, StartCost[]>(subjects.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) for (const subject of subjects) await startAndEnd(subject, costs);
    const idle = await idleMemory(subjects, idleMs);
    for (let round = 0; round < rounds; round++) await startMonolith(join(dir, `monolith-${round}`), costs);
    const rows = rowsOf(costs, idle);
    print(rows, idleMs);
    return rows;
  } finally {
    await broker.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function bare(name: string, env: Subject['env'], ...args: readonly string[]): Subject {
  return { name, args: [fileURLToPath(new URL('./bare.main.js', import.meta.url)), ...args], env, path: '/products' };
}

function service(module: string, env: Subject['env']): Subject {
  return { name: `${module}, a service`, args: [...shop('split'), '--service', module], env, path: '/readyz' };
}

function shop(topology: string): readonly string[] {
  return [
    fileURLToPath(new URL('../../../shop/src/main.js', import.meta.url)),
    '--topology',
    fileURLToPath(new URL(`../../../../../config/${topology}.yaml`, import.meta.url)),
  ];
}

async function makeBareTable(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(BARE_TABLE);
  await client.end();
}

async function startAndEnd(subject: Subject, costs: Map<string, StartCost[]>): Promise<void> {
  const started = await StartedProcess.of(subject);
  costs.set(subject.name, [...(costs.get(subject.name) ?? []), started.cost]);
  await started.end();
}

async function idleMemory(subjects: readonly Subject[], idleMs: number): Promise<ReadonlyMap<string, number>> {
  const started: (readonly [string, StartedProcess])[] = [];
  try {
    for (const subject of subjects) started.push([subject.name, await StartedProcess.of(subject)]);
    await sleep(idleMs);
    return new Map(await Promise.all(started.map(async ([name, one]) => [name, await one.memoryMiB()] as const)));
  } finally {
    await Promise.all(started.map(([, one]) => one.end()));
  }
}

async function startMonolith(cwd: string, costs: Map<string, StartCost[]>): Promise<void> {
  const env = { DATABASE_URL: '', NATS_URL: '' };
  await mkdir(cwd);
  for (const data of ['new', 'used'])
    await startAndEnd(
      { name: `monolith, embedded database, ${data} data`, args: shop('monolith'), env, cwd, path: '/readyz' },
      costs,
    );
}

function rowsOf(costs: ReadonlyMap<string, readonly StartCost[]>, idle: ReadonlyMap<string, number>): StartRow[] {
  const medians = [...costs].map(([name, all]) => ({
    name,
    readyMs: median(all.map((cost) => cost.readyMs)),
    cpuMs: median(all.map((cost) => cost.cpuMs)),
    memoryMiB: median(all.map((cost) => cost.memoryMiB)),
    idleMiB: idle.get(name),
  }));
  const own = medians.find(({ name }) => name === BARE);
  return medians.map((row) => ({
    ...row,
    readyRatio: row.readyMs / (own?.readyMs ?? NaN),
    cpuRatio: row.cpuMs / (own?.cpuMs ?? NaN),
    idleRatio: row.idleMiB === undefined ? undefined : row.idleMiB / (own?.idleMiB ?? NaN),
  }));
}

function print(rows: readonly StartRow[], idleMs: number): void {
  process.stdout.write(
    '\nfrom spawn to ready, and memory without PostgreSQL (in brackets: divided by that of the bare application)\n',
  );
  process.stdout.write(
    `  ${''.padEnd(40)}${'ready, ms'.padStart(18)}${'CPU, ms'.padStart(18)}${'ready, MiB'.padStart(12)}${`${idleMs / 1_000} s idle, MiB`.padStart(20)}\n`,
  );
  for (const { name, readyMs, readyRatio, cpuMs, cpuRatio, memoryMiB, idleMiB, idleRatio } of rows) {
    const idle = idleMiB === undefined || idleRatio === undefined ? '' : `${figure(idleMiB)} (${idleRatio.toFixed(2)})`;
    process.stdout.write(
      `  ${name.padEnd(40)}${`${figure(readyMs)} (${readyRatio.toFixed(2)})`.padStart(18)}${`${figure(cpuMs)} (${cpuRatio.toFixed(2)})`.padStart(18)}${figure(memoryMiB).padStart(12)}${idle.padStart(20)}\n`,
    );
  }
}
