import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { MUTATIONS } from '../src/mutations.js';
import type { Area } from '../src/plan/injury-plan.js';

const MAIN = join(process.cwd(), 'dist/apps/faults/src/main.js');
const ROUNDS_WITHIN_MS = 600_000;

/** What a run of the lab said, and its exit code. */
function lab(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { env: { ...process.env, NODE_OPTIONS: '' }, timeout: ROUNDS_WITHIN_MS }, (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, said: stdout + stderr }));
  });
}

/** What is injured to find each mutation out, and what then says so: not merely that a round did not come to an end. */
const FOUND_OUT_BY: Readonly<Record<string, { readonly injure: Area; readonly says: RegExp }>> = {
  'inbox-check': { injure: 'all', says: /handled message \S+ of \S+ \d+ times/ },
  'key-order': { injure: 'all', says: /, which \w+ published later|was accepted, and is/ },
  'idempotency-key': { injure: 'all', says: /in the provider's book, \d+ in the ledger/ },
  // a broker that fails between two sends loses nothing: it must fail often to fail within one
  'sent-mark': { injure: 'broker', says: / never handled / },
};

describe('the fault lab', () => {
  it('breaks no invariant of the shop in any topology', async () => {
    const { code, said } = await lab('--seed', '1', '--seeds', '3', '--parallel', '3');
    expect(said).toMatch(/9 rounds counted, 0 not, 0 broken/);
    expect(code).toBe(0);
  }, ROUNDS_WITHIN_MS);

  it('ends in the same state in every topology when nothing is injured', async () => {
    const { code, said } = await lab('--no-faults', '--seed', '4', '--parallel', '3', '--states');
    expect(said).toMatch(/3 rounds counted, 0 not, 0 broken/);
    expect(said.match(/^product 0: received \d+, available \d+, reserved 0, sold \d+$/gm)).toHaveLength(3);
    expect(code).toBe(0);
  }, ROUNDS_WITHIN_MS);

  it.each(Object.entries(MUTATIONS).map(([name, { takesOut }]) => ({ name, takesOut, ...(FOUND_OUT_BY[name] as (typeof FOUND_OUT_BY)[string]) })))('finds out that no longer $takesOut ($name)', async ({ name, injure, says }) => {
    const { code, said } = await lab('--mutate', name, '--topology', 'mix', '--seed', '1', '--seeds', '20', '--injure', injure);
    expect(said).toMatch(says);
    expect(said).toMatch(/again: npm run test:faults -- --topology mix --seed \d+ .*--mutate /);
    expect(code).toBe(1);
  }, ROUNDS_WITHIN_MS);

  it.each([
    [['--topology', 'star'], "there is no topology 'star': use monolith, split, mix or all"],
    [['--seeds', 'many'], "--seeds is 'many', and must be a whole number from 1"],
    [['--mutate', 'luck'], "there is no mutation 'luck': use inbox-check, key-order, idempotency-key, sent-mark"],
    [['--injure', 'moon'], "there is nothing called 'moon' to injure: use all, services, database, broker"],
    [['--injure', 'broker'], '--injure broker: monolith has none, so say --topology split or mix'],
    [['--sed', '1'], "Unknown option '--sed'"],
  ])('says what is wrong with %j', async (args, says) => {
    const { code, said } = await lab(...args);
    expect(said).toContain(says);
    expect(said).not.toContain(' at ');
    expect(code).toBe(2);
  });
});
