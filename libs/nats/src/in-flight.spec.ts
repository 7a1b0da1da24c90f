import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InFlight, type Numbered } from './in-flight.js';

const added = (calls: InFlight<Numbered>): Numbered => {
  const item = { number: calls.next() };
  calls.add(item);
  return item;
};

describe('work in progress', () => {
  it('is found by its number until it is deleted', () => {
    const calls = new InFlight<Numbered>();
    const [one, two] = [added(calls), added(calls)];
    expect([calls.get(one.number), calls.get(two.number), calls.size, [...calls]]).toEqual([one, two, 2, [one, two]]);
    calls.delete(one);
    calls.delete(one);
    expect([calls.get(one.number), calls.get(two.number), calls.size, [...calls]]).toEqual([undefined, two, 1, [two]]);
    expect([calls.get(NaN), calls.get(Infinity), calls.get(2 ** 40 + two.number)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('has unique numbers, however much there is, in whatever order it ends', () => {
    const calls = new InFlight<Numbered>();
    const here = new Map<number, Numbered>();
    const seen = new Set<number>();
    for (let i = 0; i < 20_000; i++) {
      const item = added(calls);
      expect(seen.has(item.number)).toBe(false);
      seen.add(item.number);
      here.set(item.number, item);
      // one in three stays for long
      for (const old of here.values()) {
        if (here.size <= 1 + i / 100 || old.number % 3 === 0) break;
        calls.delete(old);
        here.delete(old.number);
      }
    }
    expect(calls.size).toBe(here.size);
    for (const [number, item] of here) expect(calls.get(number)).toBe(item);
    expect(new Set(calls)).toEqual(new Set(here.values()));
  });

  it('may end while it is being iterated', () => {
    const calls = new InFlight<Numbered>();
    const items = Array.from({ length: 100 }, () => added(calls));
    const seen: Numbered[] = [];
    for (const item of calls) {
      seen.push(item);
      calls.delete(item);
      const neighbour = items[items.indexOf(item) + 1];
      if (neighbour) calls.delete(neighbour);
    }
    expect(calls.size).toBe(0);
    expect(seen.length).toBeLessThan(100);
  });

  it('may grow while it is being iterated, which skips what has ended', () => {
    const calls = new InFlight<Numbered>();
    const items = Array.from({ length: 32 }, () => added(calls));
    let seen = 0;
    for (const item of calls) {
      expect(calls.get(item.number)).toBe(item);
      if (seen++ === 0) {
        for (let i = 0; i < 100; i++) added(calls);
        for (const other of items.slice(5)) calls.delete(other);
      }
    }
    expect(seen).toBe(5);
    expect([...calls]).toHaveLength(105);
  });

  it('releases the memory that a burst needed', () => {
    const calls = new InFlight<Numbered>();
    const [before, items] = [added(calls), Array.from({ length: 20_000 }, () => added(calls))];
    for (const item of items) calls.delete(item);
    expect(calls.get(before.number)).toBe(before);
    calls.delete(before);
    expect(calls['slots'].length).toBe(64);
    expect(added(calls).number).toBeGreaterThan(20_000);
  });

  // entries of a Map mostly survived until a full collection
  it('leaves nothing behind that a scavenge would have to copy', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const calls = new InFlight<Numbered>();
    const heavy = (): Numbered => {
      const item = { number: calls.next(), payload: new Array<number>(100).fill(calls.size) };
      calls.add(item);
      return item;
    };
    const waiting = Array.from({ length: 64 }, heavy);
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 40_000; i++) {
      calls.delete(waiting[i % 64] as Numbered);
      waiting[i % 64] = heavy();
      if (i % 1_000 === 0) gc({ type: 'minor' });
    }
    gc({ type: 'minor' });
    expect((process.memoryUsage().heapUsed - before) / 2 ** 20).toBeLessThan(8);
  });
});
