import { FAILURES_FORGOTTEN_AFTER_S, failureKeys, pauseLeftS } from './backoff-rules.js';

describe('the pause after failed log-ins', () => {
  it.each([
    ['account-and-client', 5, 0],
    ['account-and-client', 6, 1],
    ['account-and-client', 7, 2],
    ['account-and-client', 10, 16],
    ['account-and-client', 1_000, 900],
    ['client', 50, 0],
    ['client', 51, 1],
    ['client', 5_000, 900],
    ['account', 50, 0],
    ['account', 53, 4],
    ['account', 5_000, 30],
  ] as const)('by %s, %d of them: %d s', (kind, count, pauseS) =>
    expect(pauseLeftS({ kind, count, ageS: 0 })).toBe(pauseS),
  );

  it('runs from the last failure, and is forgotten after an hour', () => {
    expect(pauseLeftS({ kind: 'account-and-client', count: 10, ageS: 6 })).toBe(10);
    expect(pauseLeftS({ kind: 'account-and-client', count: 10, ageS: 17 })).toBe(0);
    expect(pauseLeftS({ kind: 'client', count: 5_000, ageS: FAILURES_FORGOTTEN_AFTER_S })).toBe(0);
  });
});

it('counts each account, each client and each pair of both apart', () => {
  const keys = [failureKeys('a', 'b'), failureKeys('a', 'c'), failureKeys('b', 'a')].flatMap(Object.values);
  expect(new Set(keys).size).toBe(8);
});
