import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations.js';
import { type Area, AREAS, lackedBy } from './plan/areas.js';
import { TOPOLOGIES, type TopologyName, traitsOf } from './shop/topologies.js';

/** Orders per round by default. */
const ORDERS = 24;

/** The options of a run. */
export interface LabOptions {
  readonly seeds: readonly number[];
  readonly topologies: readonly TopologyName[];
  /** Orders per round. */
  readonly orders: number;
  /** Parallel worlds. */
  readonly parallel: number;
  readonly faults: boolean;
  /** What to injure, in turn for each seed; empty: the seed decides. */
  readonly areas: readonly Area[];
  readonly mutation: string | undefined;
  /** Whether to report the result of each round. */
  readonly states: boolean;
}

/** A command line that the lab cannot parse. */
export class UsageError extends Error {}

/** The usage of the lab. */
export const USAGE = `npm run test:faults -- [options]
  --seed N        the first seed; default one of the clock. A seed decides what the buyers do and what is done to the shop
  --seeds N       how many seeds, each in every topology; default 1
  --topology T    ${TOPOLOGIES.join(', ')} or all; default all that have what is injured
  --orders N      orders of a round; default ${ORDERS}
  --parallel N    worlds at a time, each with servers of its own; default 1
  --injure AREA   ${AREAS.join(', ')}, several separated by commas for the seeds in turn, or all; default all, of which
                  the seed draws one, or what finds the mutation out
  --no-faults     injure nothing: a seed must end in the same state in every topology
  --states        tell what each round came to
  --mutate NAME   take a promise out of the code, up to the first seed that finds it out: ${Object.keys(MUTATIONS).join(', ')}
Exit code 0, 1 when an invariant is broken or no round counted, 2 for a wrong command line.
`;

/** Parses the command line; `undefined` if it asks for help. */
export function labOptions(args: readonly string[]): LabOptions | undefined {
  const values = read(args);
  if (values.help) return undefined;
  const areas = areasOf(values.injure ?? MUTATIONS[values.mutate ?? '']?.injure ?? 'all');
  const topologies = topologiesOf(values.topology, areas);
  const first = whole('seed', values.seed ?? String(Date.now() % 1_000_000), 0);
  if (values.mutate !== undefined && !Object.hasOwn(MUTATIONS, values.mutate))
    throw new UsageError(`there is no mutation '${values.mutate}': use ${Object.keys(MUTATIONS).join(', ')}`);
  return {
    seeds: Array.from({ length: whole('seeds', values.seeds, 1) }, (_, i) => first + i),
    topologies,
    orders: whole('orders', values.orders, 1),
    parallel: whole('parallel', values.parallel, 1),
    faults: !values['no-faults'],
    areas,
    mutation: values.mutate,
    states: values.states,
  };
}

/** The other options that are needed to replay a round. */
export function againOptions({ orders, areas, mutation }: LabOptions, area: Area | 'nothing'): string {
  return [
    orders !== ORDERS && ` --orders ${orders}`,
    areas.length > 0 && ` --injure ${area}`,
    mutation !== undefined && ` --mutate ${mutation}`,
  ]
    .filter(Boolean)
    .join('');
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string', default: '1' },
        topology: { type: 'string' },
        orders: { type: 'string', default: String(ORDERS) },
        parallel: { type: 'string', default: '1' },
        injure: { type: 'string' },
        mutate: { type: 'string' },
        states: { type: 'boolean', default: false },
        'no-faults': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function topologiesOf(name: string | undefined, areas: readonly Area[]): readonly TopologyName[] {
  // the kinds of shop that have what is to be injured
  const fit = TOPOLOGIES.filter((topology) => areas.every((area) => lackedBy(area, traitsOf(topology)) === undefined));
  if (name === undefined || name === 'all') return fit;
  const found = TOPOLOGIES.find((topology) => topology === name);
  if (found === undefined) throw new UsageError(`there is no topology '${name}': use ${TOPOLOGIES.join(', ')} or all`);
  for (const area of areas) {
    const lacked = lackedBy(area, traitsOf(found));
    if (lacked !== undefined)
      throw new UsageError(`--injure ${area}: ${found} has no ${lacked}, so say --topology ${fit.join(' or ')}`);
  }
  return [found];
}

function areasOf(names: string): readonly Area[] {
  if (names === 'all') return [];
  return names.split(',').map((name) => {
    const found = AREAS.find((area) => area === name);
    if (found === undefined)
      throw new UsageError(`there is nothing called '${name}' to injure: use ${AREAS.join(', ')} or all`);
    return found;
  });
}

function whole(name: string, text: string, least: number): number {
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) < least)
    throw new UsageError(`--${name} is '${text}', and must be a whole number from ${least}`);
  return Number(text);
}
