import { type LabOptions, labOptions, USAGE, UsageError } from './lab-options.js';
import { mutationPreload } from './mutations.js';
import { Report } from './report.js';
import { playRound } from './round.js';
import type { TopologyName } from './shop/topologies.js';
import { World } from './world.js';

/** Rounds on one world; a failing seed replays in a world of its own. */
const ROUNDS_PER_WORLD = 25;
/** The least share of orders that must be accepted for a round to count. */
const ACCEPTED_MIN = 0.9;
/** How long a round may take to come to rest; with a mutation, which may keep it from that for ever, not as long. */
const STILL_WITHIN_MS = 90_000;
const MUTATED_STILL_WITHIN_MS = 30_000;

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
  const report = new Report(options);
  const jobs = jobsOf(options);
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const played = await playWorld(job, options, report);
      if (options.mutation !== undefined && !report.isUnbroken) return;
      if (played < job.seeds.length) jobs.unshift({ ...job, seeds: job.seeds.slice(played) });
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
  report.conclude();
  process.exitCode = report.isGreen ? 0 : 1;
}

/** The topologies in turn, so that a run that is ended early has seen as much of each. */
function jobsOf({ seeds, topologies }: LabOptions): Job[] {
  const worlds = Math.ceil(seeds.length / ROUNDS_PER_WORLD);
  const chunks = Array.from({ length: worlds }, (_, i) => seeds.slice(i * ROUNDS_PER_WORLD, (i + 1) * ROUNDS_PER_WORLD));
  return chunks.flatMap((chunk) => topologies.map((topology) => ({ topology, seeds: chunk })));
}

/** Plays seeds on one world, and answers how many: what was broken stays broken, so the next ones deserve a world of their own. */
async function playWorld({ topology, seeds }: Job, { orders, faults, area, mutation }: LabOptions, report: Report): Promise<number> {
  const world = await World.make({ topology, preload: mutationPreload(mutation) });
  const stillWithinMs = mutation === undefined ? STILL_WITHIN_MS : MUTATED_STILL_WITHIN_MS;
  try {
    let played = 0;
    for (const seed of seeds) {
      const result = await playRound(world, { seed, orders, faults, area, stillWithinMs });
      report.add(topology, result, result.accepted >= result.orders * ACCEPTED_MIN);
      played += 1;
      if (result.broken.length > 0) break;
    }
    return played;
  } finally {
    await world.close();
  }
}
