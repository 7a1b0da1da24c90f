import { Backoff } from './backoff.js';

describe('the pauses between starts', () => {
  it('double from 250 ms to 10 s, and start over after half a minute of uptime', () => {
    const backoff = new Backoff();
    expect(Array.from({ length: 8 }, () => backoff.after(29_999))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
    expect([backoff.after(30_000), backoff.after(0)]).toEqual([250, 500]);
  });
});
