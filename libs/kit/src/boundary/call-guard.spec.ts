import { CALL_LIMITS_DEFAULT, type CallLimits } from '../contract/index.js';
import { CallGuard, type CallSign } from './call-guard.js';

function guardWith(limits: Partial<CallLimits> = {}) {
  const told: string[] = [];
  const guard = new CallGuard('desk', 'shelf', { ...CALL_LIMITS_DEFAULT, ...limits }, ({ state }) => told.push(state));
  /** Sends a call and ends it. */
  const call = (at: number, sign: CallSign, endsAt = at): unknown => {
    const refused = guard.enter(at);
    if (refused === undefined) guard.left(at, endsAt, sign);
    return refused;
  };
  const calls = (number: number, at: number, sign: CallSign): void => {
    for (let i = 0; i < number; i++) call(at, sign);
  };
  return { guard, told, call, calls };
}

const breaker = { silentRate: 50, callsMin: 10, windowMs: 10_000, openForMs: 1_000 };

describe('the circuit to a module', () => {
  it('opens when half of the calls of a window got no answer, and refuses at once', () => {
    const { guard, told, call, calls } = guardWith({ breaker });
    calls(5, 1_000, 'alive');
    calls(4, 1_000, 'silent');
    expect(guard.state).toBe('closed');
    call(1_000, 'silent');
    expect(guard.state).toBe('open');
    expect(call(1_999, 'alive')).toBe('circuit-open');
    expect(guard.refused['circuit-open']).toBe(1);
    expect(told).toEqual(['open']);
  });

  it('stays closed for a few calls, for a minority, and for calls that were cancelled', () => {
    const { guard, calls } = guardWith({ breaker });
    calls(9, 1_000, 'silent');
    expect(guard.state).toBe('closed');
    calls(10, 1_000, 'none');
    expect(guard.state).toBe('closed');
    const { guard: other, calls: more } = guardWith({ breaker });
    more(20, 1_000, 'alive');
    more(19, 1_000, 'silent');
    expect(other.state).toBe('closed');
  });

  it('forgets what is older than the window', () => {
    const { guard, calls } = guardWith({ breaker });
    calls(9, 1_000, 'silent');
    calls(9, 12_000, 'alive');
    calls(1, 18_000, 'silent');
    expect(guard.state).toBe('closed');
    calls(8, 18_000, 'silent');
    expect(guard.state).toBe('open');
  });

  it('lets one call try at a time, waits longer after each that fails, and closes with an answer', () => {
    const { guard, told, call, calls } = guardWith({ breaker });
    calls(10, 1_000, 'silent');
    expect(guard.enter(2_000)).toBeUndefined();
    expect(guard.state).toBe('trying');
    expect(guard.enter(2_001)).toBe('circuit-open');
    guard.left(2_000, 3_000, 'silent');
    expect(guard.state).toBe('open');
    expect(call(4_999, 'alive')).toBe('circuit-open');
    expect(call(5_000, 'alive')).toBeUndefined();
    expect(guard.state).toBe('closed');
    expect(told).toEqual(['open', 'closed']);
    // what was before the answer counts no more
    calls(9, 5_001, 'silent');
    expect(guard.state).toBe('closed');
  });

  it('is open for ten times its time at most', () => {
    const { guard, call, calls } = guardWith({ breaker });
    calls(10, 0, 'silent');
    let at = 0;
    for (let i = 0; i < 12; i++) {
      at += 10_000;
      expect(call(at, 'silent')).toBeUndefined();
    }
    expect(guard.enter(at + 9_999)).toBe('circuit-open');
    expect(guard.enter(at + 10_000)).toBeUndefined();
  });

  it('tries again when the call that tried was cancelled, and knows older calls from it', () => {
    const { guard, calls } = guardWith({ breaker });
    guard.enter(500);
    guard.enter(501);
    calls(10, 1_000, 'silent');
    guard.enter(2_000);
    // sent before the circuit opened
    guard.left(500, 2_100, 'silent');
    expect(guard.state).toBe('trying');
    guard.left(2_000, 2_200, 'none');
    expect(guard.enter(2_201)).toBeUndefined();
    // an old call that is answered is an answer, too
    guard.left(501, 2_300, 'alive');
    expect(guard.state).toBe('closed');
  });
});

describe('the bulkhead', () => {
  it('lets as many calls wait as it may, and counts the others', () => {
    const { guard } = guardWith({ waitingMax: 2 });
    expect([guard.enter(0), guard.enter(0), guard.enter(0)]).toEqual([undefined, undefined, 'bulkhead-full']);
    expect([guard.waiting, guard.refused['bulkhead-full']]).toEqual([2, 1]);
    guard.left(0, 1, 'alive');
    expect(guard.enter(1)).toBeUndefined();
  });
});

describe('the retry budget', () => {
  const spend = (guard: CallGuard, at: number): number => {
    let retries = 0;
    while (guard.mayRetry(at)) retries++;
    return retries;
  };

  it('is a part of the calls and a floor, and saves up ten seconds of the floor', () => {
    const { guard, calls } = guardWith({ retryBudget: { percent: 20, floor: 10 } });
    expect(spend(guard, 1_000)).toBe(100);
    calls(50, 1_000, 'alive');
    expect(spend(guard, 1_000)).toBe(10);
    expect(spend(guard, 1_500)).toBe(5);
    expect(spend(guard, 60_000)).toBe(100);
  });

  it('may be nothing', () => {
    const { guard, calls } = guardWith({ retryBudget: { percent: 0, floor: 0 } });
    calls(1_000, 1_000, 'alive');
    expect(guard.mayRetry(60_000)).toBe(false);
  });
});
