import { groupingsOf, sampleOf } from './groupings.js';
import { buyersJourney } from './journeys/buyers-journey.js';
import { checkRefusals } from './journeys/refusals.js';
import { normalised, Shop } from './journeys/shop.js';
import { MODULES, startGroups } from './started-shop.js';

/** Groupings that a run takes, of all that there are; `FLEDGE_GROUPINGS=all` takes each, `FLEDGE_SEED` repeats a choice. */
const SAMPLE = 14;
const seed = Number(process.env.FLEDGE_SEED ?? Date.now() % 1_000_000);
const all = groupingsOf(MODULES);
const chosen = sampleOf(all, process.env.FLEDGE_GROUPINGS === 'all' ? Infinity : SAMPLE, seed);
let inOneProcess: readonly string[] | undefined;

/** The journey and all refusals, as a transcript in which only what happened counts. */
async function transcriptOf(groups: readonly (readonly string[])[]): Promise<string[]> {
  const started = await startGroups(groups);
  try {
    const shop = new Shop(started.url);
    await buyersJourney(shop);
    const buyer = await shop.newBuyer('refused@journey.test');
    expect(await checkRefusals(shop, buyer)).toEqual([]);
    return normalised(shop.transcript);
  } finally {
    await started.stop();
  }
}

describe(`the shop, however its modules are grouped (${chosen.length + 1} of ${all.length}, FLEDGE_SEED=${seed})`, () => {
  it('can be grouped in as many ways as the Bell number of its modules says', () => {
    const bell = [1, 1, 2, 5, 15, 52, 203, 877];
    expect(new Set(all.map((groups) => JSON.stringify(groups))).size).toBe(bell[MODULES.length]);
  });

  it('takes a buyer through in one process, and refuses what is wrong with a problem', async () => {
    inOneProcess = await transcriptOf([MODULES]);
    expect(inOneProcess.length).toBeGreaterThan(60);
  });

  it.each(chosen.map((groups) => [groups.map((group) => group.join('+')).join(' | '), groups] as const))(
    'answers the same as in one process: %s',
    async (_, groups) => {
      expect(await transcriptOf(groups)).toEqual(inOneProcess);
    },
  );
});
