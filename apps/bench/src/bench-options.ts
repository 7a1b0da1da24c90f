import { parseArgs } from 'node:util';

/** What can be measured; each a name on the command line. */
export const BENCHES = [
  'backlog',
  'calls',
  'checkout',
  'events',
  'http',
  'idle',
  'interop',
  'order',
  'shop',
  'start',
] as const;

export type BenchName = (typeof BENCHES)[number];

/** What a run is told. */
export interface BenchOptions {
  readonly what: BenchName;
  /** Only shows that it runs. */
  readonly short: boolean;
  /** The file for the results. */
  readonly json: string;
  /** The folder of another built checkout, for `idle` and `order`. */
  readonly against: string | undefined;
  /** For `events`: how their cost grows. */
  readonly scale: boolean;
}

/** A command line that cannot be taken. */
export class UsageError extends Error {}

/** Reads the command line. @throws UsageError */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = read(args);
  const [name = 'calls', ...rest] = positionals;
  const what = BENCHES.find((one) => one === name);
  if (what === undefined) throw new UsageError(`there is no bench '${name}': use ${BENCHES.join(', ')}`);
  if (rest.length > 0) throw new UsageError(`one bench at a time, and got '${positionals.join(' ')}'`);
  return { ...values, what, against: values.against };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        short: { type: 'boolean', default: false },
        json: { type: 'string', default: '.data/bench.json' },
        against: { type: 'string' },
        scale: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
