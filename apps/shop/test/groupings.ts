import fc from 'fast-check';

/** Every way to put things into groups; the number of ways is the Bell number of how many there are. */
export function groupingsOf<T>([first, ...rest]: readonly T[]): T[][][] {
  if (first === undefined) return [[]];
  return groupingsOf(rest).flatMap((grouping) => [
    [[first], ...grouping],
    ...grouping.map((group, i) => [...grouping.slice(0, i), [first, ...group], ...grouping.slice(i + 1)]),
  ]);
}

/**
 * A random sample of the groupings with several groups, chosen by a seed; always includes the one where each thing is
 * alone.
 * @param number the size of the sample at most.
 */
export function sampleOf<T>(groupings: readonly T[][][], number: number, seed: number): T[][][] {
  const several = groupings.filter((groups) => groups.length > 1).sort((a, b) => b.length - a.length);
  const [alone, ...others] = several;
  if (alone === undefined) return [];
  const shuffles = fc.shuffledSubarray(others, { minLength: others.length });
  const [shuffled = []] = fc.sample(shuffles, { seed, numRuns: 1 });
  return [alone, ...shuffled].slice(0, number);
}
