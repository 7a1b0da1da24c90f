import { jest } from '@jest/globals';
import { now, TICK_MS, type Timed, Wheel } from './clock.js';

/** One turn of the wheel, in milliseconds. */
const TURN_MS = 1_024 * TICK_MS;

class Item implements Timed {
  before: Timed | null = null;
  after: Timed | null = null;
  expiredAt: number | undefined;
  private tell: (() => void) | undefined;
  readonly expired = new Promise<void>((resolve) => (this.tell = resolve));

  constructor(
    readonly deadlineAt: number,
    private readonly log: string[] = [],
    private readonly name = '',
    private readonly onExpire: () => void = () => undefined,
  ) {}

  expire(): void {
    this.expiredAt = now();
    this.log.push(this.name);
    this.onExpire();
    this.tell?.();
  }

  get isWatched(): boolean {
    return this.before !== null || this.after !== null;
  }
}

/** Blocks the event loop, as a long computation does. */
function block(ms: number): void {
  const until = now() + ms;
  while (now() < until);
}

describe('the wheel', () => {
  let wheel: Wheel;
  let log: string[];
  const item = (ms: number, name = '', onExpire?: () => void): Item => new Item(now() + ms, log, name, onExpire);
  const watch = (...items: Item[]): void => items.forEach((each) => wheel.watch(each));

  beforeEach(() => {
    wheel = new Wheel();
    log = [];
  });

  it('expires what it watches in the order of deadlines, never early and only slightly late', async () => {
    const [a, b, c] = [item(90, 'a'), item(30, 'b'), item(60, 'c')];
    watch(a, b, c);
    await a.expired;
    expect(log).toEqual(['b', 'c', 'a']);
    for (const each of [a, b, c]) {
      expect(each.expiredAt).toBeGreaterThanOrEqual(each.deadlineAt);
      expect(each.expiredAt).toBeLessThan(each.deadlineAt + 500);
      expect(each.isWatched).toBe(false);
    }
  });

  it('expires the entries of one slot in the order in which they came', async () => {
    const at = now() + 30;
    const items = ['a', 'b', 'c'].map((name) => new Item(at, log, name));
    watch(...items);
    await items[2]?.expired;
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('no longer watches what was released, even if released twice or never watched', async () => {
    const [gone, stays] = [item(20, 'gone'), item(60, 'stays')];
    watch(gone, stays);
    wheel.letGo(gone);
    wheel.letGo(gone);
    wheel.letGo(item(5));
    await stays.expired;
    expect(log).toEqual(['stays']);
  });

  it('lets an expiry release another entry of the same slot', async () => {
    const at = now() + 30;
    const last = item(90, 'last');
    const second = new Item(at, log, 'second');
    const first = new Item(at, log, 'first', () => wheel.letGo(second));
    watch(first, second, last);
    await last.expired;
    expect(log).toEqual(['first', 'last']);
  });

  it('lets an expiry watch a new entry', async () => {
    const second = item(60, 'second');
    watch(item(20, 'first', () => wheel.watch(second)));
    await second.expired;
    expect(log).toEqual(['first', 'second']);
  });

  it('skips what is due only in a later turn', async () => {
    const [far, near, never] = [item(TURN_MS + 20, 'far'), item(80, 'near'), new Item(Infinity, log, 'never')];
    watch(far, near, never);
    await near.expired;
    expect(log).toEqual(['near']);
    expect([far.isWatched, never.isWatched]).toEqual([true, true]);
    wheel.letGo(far);
    wheel.letGo(never);
  });

  it('catches up after a blocked event loop, in order', async () => {
    const items = [item(15, 'a'), item(40, 'b'), item(70, 'c')];
    watch(...items);
    block(120);
    expect(log).toEqual([]);
    await items[2]?.expired;
    expect(log).toEqual(['a', 'b', 'c']);
    expect(items[2]?.expiredAt).toBeLessThan((items[0]?.deadlineAt ?? 0) + 500);
  });

  // It waited for a whole turn, ten seconds: a call whose handler blocked past its deadline before its first await hung
  // for that long.
  it('expires at once an entry that is already overdue, even the first one', async () => {
    const first = item(-300, 'first');
    watch(first);
    await first.expired;
    expect(first.expiredAt).toBeLessThan(first.deadlineAt + 300 + 1_000);
    const second = item(-50, 'second');
    watch(second);
    await second.expired;
    expect(second.expiredAt).toBeLessThan(second.deadlineAt + 50 + 1_000);
  });

  it('stops its timer after a turn with nothing to watch, and starts it again', () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    try {
      const one = item(1_000);
      watch(one);
      jest.advanceTimersByTime(TURN_MS * 2);
      expect(jest.getTimerCount()).toBe(1);
      wheel.letGo(one);
      jest.advanceTimersByTime(TURN_MS * 2);
      expect(jest.getTimerCount()).toBe(0);
      watch(one);
      expect(jest.getTimerCount()).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });
});
