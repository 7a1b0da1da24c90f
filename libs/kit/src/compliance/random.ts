/** Random choices that a seed reproduces (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 up to, but not including, `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from');
    return items[this.below(items.length)] as T;
  }

  /** At most `most` of the items, each once. */
  some<T>(items: readonly T[], most: number): T[] {
    const left = [...items];
    return Array.from(
      { length: Math.min(this.below(most + 1), items.length) },
      () => left.splice(this.below(left.length), 1)[0] as T,
    );
  }
}

/** The seed of this run: `FLEDGE_TEST_SEED`, to reproduce a failure, or a new one. */
export function testSeed(): number {
  return Number(process.env.FLEDGE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
}
