import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { MUTATIONS, unfitEdits } from '../src/mutations.js';
import { AREAS } from '../src/plan/areas.js';

const MAIN = join(process.cwd(), 'dist/apps/faults/src/main.js');
const ROUNDS_WITHIN_MS = 600_000;
/** Without it, what is played is a sample, so that CI ends in time. */
const IS_WHOLE = process.env.FLEDGE_WHOLE === '1';
/** Rounds of each topology. */
const SEEDS = IS_WHOLE ? 3 : 1;
/** Orders of a round in which nothing is injured. */
const UNINJURED_ORDERS = IS_WHOLE ? 24 : 12;
/** The mutation that is found out soonest. */
const SAMPLED = 'sent-mark';
const isPlayed = (name: string): boolean => IS_WHOLE || name === SAMPLED;

/** What a run of the lab said, and its exit code. */
function lab(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...process.env, NODE_OPTIONS: '' }, timeout: ROUNDS_WITHIN_MS },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, said: stdout + stderr }),
    );
  });
}

describe('the fault lab', () => {
  it(
    'breaks no invariant of the shop in any topology',
    async () => {
      const { code, said } = await lab('--injure', 'mixed', '--seed', '1', '--seeds', String(SEEDS), '--parallel', '3');
      expect(said).toContain(`${4 * SEEDS} rounds counted, 0 not, 0 broken`);
      expect(code).toBe(0);
    },
    ROUNDS_WITHIN_MS,
  );

  it(
    'ends in the same state in every topology when nothing is injured',
    async () => {
      const { code, said } = await lab(
        ...['--no-faults', '--seed', '4', '--orders', String(UNINJURED_ORDERS)],
        ...['--parallel', '3', '--states'],
      );
      expect(said).toMatch(/4 rounds counted, 0 not, 0 broken/);
      expect(said.match(/^product 0: received \d+, available \d+, reserved 0, sold \d+$/gm)).toHaveLength(4);
      expect(code).toBe(0);
    },
    ROUNDS_WITHIN_MS,
  );

  it.each([
    ['connections end', ['--topology', 'monolith', '--injure', 'sessions', '--seed', '2']],
    ['the stream loses its end', ['--topology', 'mix', '--injure', 'tail', '--seed', '3']],
    // more of them, so that some are under way while one process has everything
    ['topologies change', ['--topology', 'mix', '--injure', 'resplit', '--seed', '1', '--orders', '60']],
  ])(
    'sees orders go on, and every process live, when %s',
    async (_what, args) => {
      const { code, said } = await lab('--orders', '18', ...args);
      expect(said).toMatch(/1 rounds counted, 0 not, 0 broken/);
      expect(code).toBe(0);
    },
    ROUNDS_WITHIN_MS,
  );

  it.each(
    Object.entries(MUTATIONS)
      .filter(([name]) => isPlayed(name))
      .map(([name, { takesOut, says }]) => ({ name, takesOut, says })),
  )(
    'finds out that no longer $takesOut ($name)',
    async ({ name, says }) => {
      const { code, said } = await lab('--mutate', name, '--topology', 'mix', '--seed', '1', '--seeds', '20');
      expect(said).toMatch(says);
      expect(said).toMatch(/again: npm run test:faults -- --topology mix --seed \d+ .*--mutate /);
      expect(code).toBe(1);
    },
    ROUNDS_WITHIN_MS,
  );

  it.each(Object.entries(MUTATIONS))('has a mutation %s that fits the code', async (_name, mutation) => {
    expect(await unfitEdits(mutation, join(process.cwd(), 'dist'))).toEqual([]);
  });

  it.each([
    [['--topology', 'star'], "there is no topology 'star': use single, monolith, split, mix or all"],
    [['--seeds', 'many'], "--seeds is 'many', and must be a whole number from 1"],
    [['--mutate', 'luck'], `there is no mutation 'luck': use ${Object.keys(MUTATIONS).join(', ')}`],
    [['--injure', 'moon'], `there is nothing called 'moon' to injure: use ${AREAS.join(', ')} or all`],
    [
      ['--topology', 'monolith', '--injure', 'broker'],
      '--injure broker: monolith has no broker, so say --topology split or mix',
    ],
    [
      ['--topology', 'single', '--injure', 'lines'],
      '--injure lines: single has no second replica, so say --topology monolith or split or mix',
    ],
    [['--sed', '1'], "Unknown option '--sed'"],
  ])('says what is wrong with %j', async (args, says) => {
    const { code, said } = await lab(...args);
    expect(said).toContain(says);
    expect(said).not.toContain(' at ');
    expect(code).toBe(2);
  });
});
