import { Gate } from './gate.js';

/** Work that ends when told to. */
function works(): { start: () => Promise<void>; end: (() => void)[]; running: () => number } {
  const end: (() => void)[] = [];
  let running = 0;
  return {
    end,
    running: () => running,
    start: async () => {
      running++;
      await new Promise<void>((resolve) => end.push(resolve));
      running--;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Gate', () => {
  it('lets so many in at once, and the others in their order', async () => {
    const gate = new Gate(2, 10, () => new Error('full'));
    const work = works();
    const done: number[] = [];
    const all = [1, 2, 3, 4].map((i) => gate.pass(work.start).then(() => done.push(i)));
    await turn();
    expect(work.running()).toBe(2);
    while (work.end.length > 0) {
      work.end.shift()?.();
      await turn();
      expect(work.running()).toBeLessThanOrEqual(2);
    }
    await Promise.all(all);
    expect(done).toEqual([1, 2, 3, 4]);
  });

  it('refuses at once who finds the line full', async () => {
    const gate = new Gate(1, 1, () => new Error('full'));
    const work = works();
    const first = gate.pass(work.start);
    const second = gate.pass(work.start);
    await expect(gate.pass(work.start)).rejects.toThrow('full');
    await turn();
    work.end.shift()?.();
    await turn();
    work.end.shift()?.();
    await Promise.all([first, second]);
  });

  it('gives the place of failed work to the next', async () => {
    const gate = new Gate(1, 1, () => new Error('full'));
    await expect(gate.pass(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await expect(gate.pass(() => Promise.resolve('next'))).resolves.toBe('next');
  });
});
