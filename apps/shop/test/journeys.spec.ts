import { groupingsOf, sampleOf } from './groupings.js';
import { buyersJourney } from './journeys/buyers-journey.js';
import { checkRefusals } from './journeys/refusals.js';
import { sessionJourney } from './journeys/session-journey.js';
import { normalised, Shop } from './journeys/shop.js';
import { MODULES, startGroups } from './started-shop.js';

type Grouping = readonly (readonly string[])[];

/**
 * Groupings that a run takes, of all that there are; `FLEDGE_GROUPINGS=all` takes each, `FLEDGE_SEED` repeats a choice.
 */
const SAMPLE = 9;
/**
 * A journey mostly waits, for parcels and slow cards: so many are made at once, with so few connections to the one
 * PostgreSQL.
 */
const AT_ONCE = 3;
const POOL_MAX = 4;
const WITHIN_MS = 30_000;
const seed = Number(process.env.FLEDGE_SEED ?? Date.now() % 1_000_000);
const all = groupingsOf(MODULES);
const chosen = sampleOf(all, process.env.FLEDGE_GROUPINGS === 'all' ? Infinity : SAMPLE, seed);

/** The journey and all refusals, as a transcript in which only what happened counts. */
async function transcriptOf(groups: Grouping): Promise<string[]> {
  const started = await startGroups(groups, { poolMax: POOL_MAX });
  try {
    const shop = new Shop(started.url);
    await buyersJourney(shop);
    await sessionJourney(shop);
    const buyer = await shop.newBuyer('refused@journey.test');
    expect(await checkRefusals(shop, buyer)).toEqual([]);
    return normalised(shop.transcript);
  } finally {
    await started.stop();
  }
}

/** Where a grouping's transcript is another than `expected`, if it is. */
async function differenceOf(groups: Grouping, expected: readonly string[]): Promise<string | undefined> {
  const name = groups.map((group) => group.join('+')).join(' | ');
  try {
    const transcript = await transcriptOf(groups);
    const at = Array.from({ length: Math.max(transcript.length, expected.length) }, (_, i) => i).find(
      (i) => transcript[i] !== expected[i],
    );
    return at === undefined ? undefined : `${name}: line ${at + 1} is ${transcript[at]}, not ${expected[at]}`;
  } catch (error) {
    return `${name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

describe(`the shop, however its modules are grouped (${chosen.length + 1} of ${all.length}, FLEDGE_SEED=${seed})`, () => {
  let inOneProcess: readonly string[] = [];

  it('can be grouped in as many ways as the Bell number of its modules says', () => {
    const bell = [1, 1, 2, 5, 15, 52, 203, 877];
    expect(new Set(all.map((groups) => JSON.stringify(groups))).size).toBe(bell[MODULES.length]);
  });

  it('takes a buyer through in one process, and refuses what is wrong with a problem', async () => {
    inOneProcess = await transcriptOf([MODULES]);
    expect(inOneProcess.length).toBeGreaterThan(60);
  });

  // One test for all: jest refuses to load modules for tests that run beside each other.
  it(
    'answers the same in every other grouping',
    async () => {
      const left = [...chosen];
      const differences: string[] = [];
      const next = async (): Promise<void> => {
        for (let groups = left.shift(); groups; groups = left.shift()) {
          const difference = await differenceOf(groups, inOneProcess);
          if (difference !== undefined) differences.push(difference);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
      expect(differences).toEqual([]);
    },
    chosen.length * WITHIN_MS,
  );
});
