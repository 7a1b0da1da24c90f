import { extended, failedOn, HISTORY_MAX, type HistoryEntry } from './history.js';

describe('the history of a run', () => {
  const entry = (what: HistoryEntry['what'], detail: string): HistoryEntry => ({
    at: '2026-01-01T00:00:00Z',
    what,
    detail,
    ...(what === 'failed' && { message: detail }),
  });
  const notes = Array.from({ length: 2 * HISTORY_MAX }, (_, n) => entry('note', `n${n}`));

  it('keeps what the run failed on, however much comes after it, and everything else in order', () => {
    const history = extended(
      [entry('started', 's'), entry('note', 'early'), entry('failed', 'one')],
      [...notes, entry('failed', 'two'), ...notes],
    );
    expect(history).toHaveLength(HISTORY_MAX);
    expect([history[0], history[1]]).toMatchObject([{ detail: 's' }, { detail: 'one' }]);
    expect(failedOn(history)).toEqual(['one', 'two']);
    expect(history.at(-1)).toMatchObject({ detail: notes.at(-1)?.detail });
  });

  it('keeps the oldest failures when there are too many, because one of them stopped the run', () => {
    const failures = Array.from({ length: 2 * HISTORY_MAX }, (_, n) => entry('failed', `f${n}`));
    const history = extended([entry('started', 's')], failures);
    expect(failedOn(history)[0]).toBe('f0');
    expect(history).toHaveLength(HISTORY_MAX);
  });

  it('drops a resumed failure before newer entries', () => {
    const history = extended([entry('started', 's'), entry('failed', 'one'), entry('resumed', 'r')], notes);
    expect(history.map(({ what }) => what)).not.toContain('failed');
    expect(history).toHaveLength(HISTORY_MAX);
  });
});
