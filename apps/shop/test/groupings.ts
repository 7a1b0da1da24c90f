/** Every way to divide things into groups; their number is the Bell number. */
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
  const chance = chances(seed);
  const shuffled = others.map((groups) => ({ groups, at: chance() })).sort((a, b) => a.at - b.at);
  return [alone, ...shuffled.map(({ groups }) => groups)].slice(0, number);
}

/** Random numbers from 0 to below 1, repeatable by a seed: mulberry32, by Tommy Ettinger. */
function chances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
