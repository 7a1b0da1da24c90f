import { parseArgs } from 'node:util';
import { MUTATIONS, mutationPreload } from './mutations.js';
import { Report } from './report.js';
import { playRound } from './round.js';
import { TOPOLOGIES, type TopologyName } from './shop/topologies.js';
import { World } from './world.js';

/** Rounds on one world; a failing seed replays in a world of its own. */
const ROUNDS_PER_WORLD = 25;
/** The least share of orders that must be accepted for a round to count. */
const ACCEPTED_MIN = 0.9;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    topology: { type: 'string', default: 'all' },
    orders: { type: 'string', default: '24' },
    mutate: { type: 'string' },
    states: { type: 'boolean', default: false },
    'no-faults': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(
    [
      'npm run test:faults -- [--seed N] [--seeds HOW_MANY] [--topology monolith|split|mix|all] [--orders N] [--no-faults] [--mutate NAME] [--states]',
      '  A seed decides what the buyers do and what is done to the shop; the same seed replays it. Exit code 1 when an invariant is broken.',
      `  Mutations, each of which must be found out: ${Object.keys(MUTATIONS).join(', ')}`,
      '',
    ].join('\n'),
  );
} else await run();

async function run(): Promise<void> {
  const first = whole('seed', values.seed ?? String(Date.now() % 1_000_000));
  const seeds = Array.from({ length: whole('seeds', values.seeds) }, (_, i) => first + i);
  const report = new Report(values.states);
  for (const topology of topologies(values.topology)) {
    for (let at = 0; at < seeds.length; ) at += await playWorld(topology, seeds.slice(at, at + ROUNDS_PER_WORLD), report);
  }
  report.conclude();
  process.exitCode = report.isGreen ? 0 : 1;
}

/** Plays seeds on one world, and answers how many: what was broken stays broken, so the next ones deserve a world of their own. */
async function playWorld(topology: TopologyName, seeds: readonly number[], report: Report): Promise<number> {
  const world = await World.make({ topology, preload: mutationPreload(values.mutate) });
  try {
    let played = 0;
    for (const seed of seeds) {
      const result = await playRound(world, { seed, orders: whole('orders', values.orders), faults: !values['no-faults'] });
      report.add(topology, result, result.accepted >= result.orders * ACCEPTED_MIN);
      played += 1;
      if (result.broken.length > 0) break;
    }
    return played;
  } finally {
    await world.close();
  }
}

function topologies(name: string): readonly TopologyName[] {
  if (name === 'all') return TOPOLOGIES;
  const found = TOPOLOGIES.find((topology) => topology === name);
  if (found === undefined) throw new Error(`there is no topology '${name}': use ${TOPOLOGIES.join(', ')} or all`);
  return [found];
}

function whole(name: string, text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`--${name} is '${text}', and must be a whole number`);
  return Number(text);
}
