import { LogInsOverloaded, TooManyLogIns } from '../../contract/index.js';
import { type HashingLimits, HashingQueue } from './hashing-queue.js';

/** Longer than any test. */
const LONG_MS = 600_000;
const queueOf = (limits: Partial<HashingLimits> = {}): HashingQueue =>
  new HashingQueue({
    runningMax: 1,
    waitingMax: 1_000,
    waitMaxMs: LONG_MS,
    perClientMax: 1_000,
    perAccountMax: 1_000,
    ...limits,
  });

/** Work that ends when told to. */
function works(): { start: () => Promise<void>; end: (() => void)[]; running: () => number; started: () => number } {
  const end: (() => void)[] = [];
  let running = 0;
  let started = 0;
  return {
    end,
    running: () => running,
    started: () => started,
    start: async () => {
      running++;
      started++;
      await new Promise<void>((resolve) => end.push(resolve));
      running--;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the queue of passwords', () => {
  const work = works();
  const finish = async (): Promise<void> => {
    while (work.end.length > 0) {
      work.end.shift()?.();
      await turn();
    }
  };
  afterEach(finish);

  it('lets so many in at once, and the others in their order', async () => {
    const queue = queueOf({ runningMax: 2 });
    const done: number[] = [];
    const all = [1, 2, 3, 4].map((i) => queue.run({}, work.start).then(() => done.push(i)));
    await turn();
    expect([work.running(), queue.waiting]).toEqual([2, 2]);
    while (work.end.length > 0) {
      work.end.shift()?.();
      await turn();
      expect(work.running()).toBeLessThanOrEqual(2);
    }
    await Promise.all(all);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it('refuses at once who finds the line full', async () => {
    const queue = queueOf({ waitingMax: 1 });
    const all = [queue.run({}, work.start), queue.run({}, work.start)];
    await expect(queue.run({}, work.start)).rejects.toMatchObject({
      constructor: LogInsOverloaded,
      kind: 'unavailable',
      retryAfterSeconds: 1,
    });
    await finish();
    await Promise.all(all);
  });

  it('gives the place of failed work to the next', async () => {
    const queue = queueOf();
    await expect(queue.run({}, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await expect(queue.run({}, () => Promise.resolve('next'))).resolves.toBe('next');
  });

  it.each([
    ['client', { client: '192.0.2.1' }, { client: '192.0.2.2' }, { perClientMax: 2 }],
    ['account', { account: 'ann@shop.test' }, { account: 'bob@shop.test' }, { perAccountMax: 2 }],
  ] as const)('refuses what is too much for one %s, and nobody else', async (_, one, other, limits) => {
    const queue = queueOf(limits);
    const all = [queue.run(one, work.start), queue.run(one, work.start)];
    await expect(queue.run(one, work.start)).rejects.toMatchObject({
      constructor: TooManyLogIns,
      kind: 'too-many',
      retryAfterSeconds: 1,
    });
    all.push(queue.run(other, work.start), queue.run({}, work.start));
    await finish();
    await Promise.all(all);
    // what has ended is not counted any more
    await expect(queue.run(one, () => Promise.resolve('again'))).resolves.toBe('again');
  });

  // 300 abandoned log-ins delayed the next one by 7 s: each was hashed for nobody.
  it('drops what nobody waits for any more', async () => {
    const queue = queueOf();
    const before = work.started();
    const first = queue.run({}, work.start);
    const gone = new AbortController();
    const abandoned = Array.from({ length: 300 }, () =>
      queue.run({ client: 'gone', account: 'a', signal: gone.signal }, work.start),
    );
    const next = queue.run({}, work.start);
    await turn();
    expect(queue.waiting).toBe(301);
    gone.abort();
    const ends = await Promise.allSettled(abandoned);
    expect(ends.every((end) => end.status === 'rejected' && end.reason instanceof LogInsOverloaded)).toBe(true);
    expect(queue.waiting).toBe(1);
    await finish();
    await Promise.all([first, next]);
    expect(work.started() - before).toBe(2);
  });

  it('begins nothing for who is gone or late before their turn', async () => {
    const queue = queueOf();
    const before = work.started();
    await expect(queue.run({ signal: AbortSignal.abort() }, work.start)).rejects.toThrow(LogInsOverloaded);
    await expect(queue.run({ timeLeftMs: 0 }, work.start)).rejects.toThrow(LogInsOverloaded);
    expect(work.started()).toBe(before);
  });

  it.each([
    ['their deadline', { waitMaxMs: LONG_MS }, { timeLeftMs: 10 }],
    ['the longest wait', { waitMaxMs: 10 }, { timeLeftMs: LONG_MS }],
    ['the longest wait, without a deadline,', { waitMaxMs: 10 }, {}],
  ])('sends away who has waited until %s', async (_, limits, request) => {
    const queue = queueOf(limits);
    const first = queue.run({}, work.start);
    await expect(queue.run({ ...request, client: 'c' }, work.start)).rejects.toThrow(LogInsOverloaded);
    expect(queue.waiting).toBe(0);
    await finish();
    await first;
  });
});
