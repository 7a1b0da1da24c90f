/** The most entries of a run's history: the first, failures that are not resumed, and the newest of the others. */
export const HISTORY_MAX = 100;
/** The most characters of a detail. */
export const DETAIL_CHARS_MAX = 500;

/** The kinds of history entries. */
export type Happening =
  | 'started'
  | 'event'
  | 'timer'
  | 'sent'
  | 'timer set'
  | 'timer cancelled'
  | 'note'
  | 'ignored'
  | 'failed'
  | 'resumed'
  | 'finished';

/** One entry of a run's history. */
export interface HistoryEntry {
  /** ISO 8601, by the clock of the database. */
  readonly at: string;
  readonly what: Happening;
  /** The event, command or timer; the text of a note; the error. */
  readonly detail: string;
  /** For `failed`: the id of the dead letter. */
  readonly message?: string;
}

/**
 * A history with added entries, within its bound: what the run failed on since it was last resumed is kept in
 * preference to other entries, the oldest first.
 */
export function extended(history: readonly HistoryEntry[], added: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const all = [...history, ...added];
  if (all.length <= HISTORY_MAX) return all;
  const resumed = all.findLastIndex(({ what }) => what === 'resumed');
  const [first, ...rest] = all.map((entry, at) => ({ entry, at, matters: entry.what === 'failed' && at > resumed }));
  const byWorth = rest.toSorted(
    (a, b) => Number(b.matters) - Number(a.matters) || (a.matters ? a.at - b.at : b.at - a.at),
  );
  const kept = byWorth.slice(0, HISTORY_MAX - 1).toSorted((a, b) => a.at - b.at);
  return [first, ...kept].map((one) => (one as { entry: HistoryEntry }).entry);
}

/** Whether a run has failed on a message, as far as its history goes back. */
export function hasFailedOn(history: readonly HistoryEntry[], message: string): boolean {
  return history.some((entry) => entry.what === 'failed' && entry.message === message);
}

/** Whether a history is complete: nothing was dropped from it. */
export function isWhole(history: readonly HistoryEntry[]): boolean {
  return history.length < HISTORY_MAX;
}

/** The ids of the dead letters that a run failed on since it was last resumed. */
export function failedOn(history: readonly HistoryEntry[]): readonly string[] {
  const since = history.slice(history.findLastIndex(({ what }) => what === 'resumed') + 1);
  return [
    ...new Set(since.flatMap(({ what, message }) => (what === 'failed' && message !== undefined ? message : []))),
  ];
}
