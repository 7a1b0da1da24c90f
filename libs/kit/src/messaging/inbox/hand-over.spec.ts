import { randomUUID } from 'node:crypto';
import type { StoredMessage } from '../../transport/index.js';
import { HandOver, type Taker } from './hand-over.js';

const message = (): StoredMessage => ({
  id: randomUUID(),
  kind: 'event',
  name: 'a.b.v1',
  source: 'a',
  target: undefined,
  key: 'k',
  payload: '{}',
  headers: {},
  occurredAt: new Date().toISOString(),
});

class Watched implements Taker {
  late = 0;
  wasLate(): void {
    this.late += 1;
  }
}

describe('a hand-over', () => {
  const [first, second] = [message(), message()];

  it('leaves nothing to store when all consumers have handled all messages', async () => {
    const [a, b] = [new Watched(), new Watched()];
    const handOver = new HandOver();
    handOver.take(first, [a, b]);
    handOver.take(second, [a]);
    const late = handOver.late();
    for (const [one, taker] of [
      [first, a],
      [second, a],
      [first, b],
    ] as const)
      handOver.settled(one, taker);
    expect(await late).toEqual([]);
    expect([a.late, b.late]).toEqual([0, 0]);
  });

  it('ends at once when nothing was taken, or everything was handled before anybody waits', async () => {
    expect(await new HandOver().late()).toEqual([]);
    const a = new Watched();
    const handOver = new HandOver();
    handOver.take(first, [a]);
    handOver.settled(first, a);
    expect(await handOver.late()).toEqual([]);
  });

  it('leaves what a consumer does not handle to be stored, in order, and notifies that consumer', async () => {
    const [a, b] = [new Watched(), new Watched()];
    const handOver = new HandOver();
    handOver.take(first, [a, b]);
    handOver.take(second, [a, b]);
    for (const one of [first, second]) handOver.settled(one, a);
    expect(await handOver.late()).toEqual([first, second]);
    expect([a.late, b.late]).toEqual([0, 2]);
  });
});
