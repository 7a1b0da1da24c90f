import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations.js';
import { TOPOLOGIES, type TopologyName } from './shop/topologies.js';

/** What a run of the lab is told. */
export interface LabOptions {
  readonly seeds: readonly number[];
  readonly topologies: readonly TopologyName[];
  /** Orders of a round. */
  readonly orders: number;
  /** Worlds at a time. */
  readonly parallel: number;
  readonly faults: boolean;
  readonly mutation: string | undefined;
  /** Tell what each round came to. */
  readonly states: boolean;
}

/** A command line that the lab does not understand. */
export class UsageError extends Error {}

/** How to call the lab. */
export const USAGE = `npm run test:faults -- [options]
  --seed N        the first seed; default one of the clock. A seed decides what the buyers do and what is done to the shop
  --seeds N       how many seeds, each in every topology; default 1
  --topology T    ${TOPOLOGIES.join(', ')} or all; default all
  --orders N      orders of a round; default 24
  --parallel N    worlds at a time, each with servers of its own; default 1
  --no-faults     injure nothing: a seed must end in the same state in every topology
  --states        tell what each round came to
  --mutate NAME   take a promise out of the code, up to the first seed that finds it out: ${Object.keys(MUTATIONS).join(', ')}
Exit code 0, 1 when an invariant is broken or no round counted, 2 for a wrong command line.
`;

/** Reads the command line; `undefined` when it asks for help. */
export function labOptions(args: readonly string[]): LabOptions | undefined {
  const values = read(args);
  if (values.help) return undefined;
  const first = whole('seed', values.seed ?? String(Date.now() % 1_000_000), 0);
  if (values.mutate !== undefined && !Object.hasOwn(MUTATIONS, values.mutate)) throw new UsageError(`there is no mutation '${values.mutate}': use ${Object.keys(MUTATIONS).join(', ')}`);
  return {
    seeds: Array.from({ length: whole('seeds', values.seeds, 1) }, (_, i) => first + i),
    topologies: topologiesOf(values.topology),
    orders: whole('orders', values.orders, 1),
    parallel: whole('parallel', values.parallel, 1),
    faults: !values['no-faults'],
    mutation: values.mutate,
    states: values.states,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string', default: '1' },
        topology: { type: 'string', default: 'all' },
        orders: { type: 'string', default: '24' },
        parallel: { type: 'string', default: '1' },
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

function topologiesOf(name: string): readonly TopologyName[] {
  if (name === 'all') return TOPOLOGIES;
  const found = TOPOLOGIES.find((topology) => topology === name);
  if (found === undefined) throw new UsageError(`there is no topology '${name}': use ${TOPOLOGIES.join(', ')} or all`);
  return [found];
}

function whole(name: string, text: string, least: number): number {
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) < least) throw new UsageError(`--${name} is '${text}', and must be a whole number from ${least}`);
  return Number(text);
}
