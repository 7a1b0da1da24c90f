import { buyersJourney } from './journeys/buyers-journey.js';
import { checkRefusals } from './journeys/refusals.js';
import { normalised, Shop } from './journeys/shop.js';
import { MODULES, startGroups } from './started-shop.js';

/** Every way to put things into groups. */
function partitions<T>([first, ...rest]: readonly T[]): T[][][] {
  if (first === undefined) return [[]];
  return partitions(rest).flatMap((partition) => [
    [[first], ...partition],
    ...partition.map((group, i) => [...partition.slice(0, i), [first, ...group], ...partition.slice(i + 1)]),
  ]);
}

const all = partitions(MODULES);
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

describe('the shop, however its modules are grouped', () => {
  it('has 15 groupings of four modules', () => {
    expect(new Set(all.map((groups) => JSON.stringify(groups))).size).toBe(15);
  });

  it('takes a buyer through in one process, and refuses what is wrong with a problem', async () => {
    inOneProcess = await transcriptOf([MODULES]);
    expect(inOneProcess.length).toBeGreaterThan(60);
  });

  it.each(all.filter((groups) => groups.length > 1).map((groups) => [groups.map((group) => group.join('+')).join(' | '), groups] as const))(
    'answers the same as in one process: %s',
    async (_, groups) => {
      expect(await transcriptOf(groups)).toEqual(inOneProcess);
    },
  );
});
