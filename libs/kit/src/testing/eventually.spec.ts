import { eventually } from './eventually.js';

describe('eventually', () => {
  it('looks at once, and ends as soon as the state is reached', async () => {
    let looks = 0;
    await eventually(() => ++looks === 1, 'the first look');
    expect(looks).toBe(1);
    const from = performance.now();
    await eventually(() => ++looks >= 4, 'the fourth look');
    expect(looks).toBe(4);
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  it('treats an expectation that fails as a state to wait for', async () => {
    let stock = 3;
    await eventually(() => expect(--stock).toBe(0), 'an empty stock');
    expect(stock).toBe(0);
  });

  it('ends with the name of the state, the limit, and what the last look threw', async () => {
    const failure = eventually(() => expect('pending').toBe('paid'), 'the order is paid', 60);
    await expect(failure).rejects.toThrow(/^the order is paid did not happen within 60 ms: /);
    await expect(failure).rejects.toHaveProperty('cause.message', expect.stringContaining('pending'));
    await expect(eventually(() => false, 'never', 30)).rejects.toThrow(/^never did not happen within 30 ms$/);
  });

  it('does not wait for a look that hangs', async () => {
    const from = performance.now();
    await expect(eventually(() => new Promise<boolean>(() => undefined), 'an answer', 80)).rejects.toThrow(
      'an answer did not happen within 80 ms: the last look did not end',
    );
    expect(performance.now() - from).toBeLessThan(1_500);
  });

  it('finds a state that is already reached, even with no time to wait', async () => {
    await expect(eventually(() => true, 'at once', 0)).resolves.toBeUndefined();
  });
});
