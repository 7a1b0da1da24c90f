import { fileURLToPath } from 'node:url';
import { type Capabilities, capabilities } from './capabilities.js';
import { type LabOptions, labOptions, USAGE, UsageError } from './lab-options.js';
import { mutationPreload, MUTATIONS, unfitEdits } from './mutations.js';
import { Report } from './report.js';
import { measureSlowness, playRound } from './round.js';
import type { TopologyName } from './shop/topologies.js';
import { World } from './world.js';

/** Rounds on one world; a failing seed is replayed in a new world. */
const ROUNDS_PER_WORLD = 25;
/** The least share of orders that must be accepted for a round to count. */
const ACCEPTED_MIN = 0.9;
/** How long a round may take to come to rest; shorter with a mutation, which may prevent that forever. */
const QUIESCENT_WITHIN_MS = 90_000;
const MUTATED_QUIESCENT_WITHIN_MS = 30_000;

const DIST = fileURLToPath(new URL('../../..', import.meta.url));

/** Seeds that are played one after the other in one topology. */
interface Job {
  readonly topology: TopologyName;
  readonly seeds: readonly number[];
}

await main().catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`test:faults: ${error.message}\n--help lists the options.\n`);
  process.exitCode = 2;
});

async function main(): Promise<void> {
  const options = labOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else await run(options);
}

async function run(options: LabOptions): Promise<void> {
  const mutation = options.mutation === undefined ? undefined : MUTATIONS[options.mutation];
  for (const reason of mutation === undefined ? [] : await unfitEdits(mutation, DIST))
    throw new UsageError(`--mutate ${options.mutation}: ${reason}. It must change what took its place`);
  const report = new Report(options);
  const machine = await capabilities();
  const jobs = jobsOf(options);
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const played = await playWorld(job, options, machine, report);
      if (options.mutation !== undefined && !report.isUnbroken) return;
      if (played < job.seeds.length) jobs.unshift({ ...job, seeds: job.seeds.slice(played) });
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
  report.conclude();
  process.exitCode = report.isGreen ? 0 : 1;
}

/** Alternates the topologies, so that a run that is stopped early has covered each equally. */
function jobsOf({ seeds, topologies, parallel }: LabOptions): Job[] {
  const rounds = Math.min(ROUNDS_PER_WORLD, Math.ceil((seeds.length * topologies.length) / parallel));
  const worlds = Math.ceil(seeds.length / rounds);
  const chunks = Array.from({ length: worlds }, (_, i) => seeds.slice(i * rounds, (i + 1) * rounds));
  return chunks.flatMap((chunk) => topologies.map((topology) => ({ topology, seeds: chunk })));
}

/** Plays seeds on one world, and returns how many: after a failure the rest need a new world, as the damage stays. */
async function playWorld(
  { topology, seeds }: Job,
  { seeds: [first = 0], orders, faults, areas, mutation }: LabOptions,
  { database, missing }: Capabilities,
  report: Report,
): Promise<number> {
  const world = await World.make({ topology, database, preload: mutationPreload(mutation) });
  const quiescentWithinMs = mutation === undefined ? QUIESCENT_WITHIN_MS : MUTATED_QUIESCENT_WITHIN_MS;
  try {
    let played = 0;
    if (faults) await measureSlowness(world);
    for (const seed of seeds) {
      const area = areas[(seed - first) % areas.length];
      const result = await playRound(world, { seed, orders, faults, area, missing, quiescentWithinMs });
      report.add(topology, result, result.skipped === undefined && result.accepted >= result.orders * ACCEPTED_MIN);
      played += 1;
      if (result.broken.length > 0) break;
    }
    return played;
  } finally {
    await world.close();
  }
}
