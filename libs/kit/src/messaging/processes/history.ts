/** Entries of a run's history at the most: the first, failures that are not resumed, and the newest of the others. */
export const HISTORY_MAX = 100;
/** Characters of a detail at the most. */
export const DETAIL_CHARS_MAX = 500;

/** What happens to a run. */
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

/** One line of a run's history. */
export interface HistoryEntry {
  /** ISO 8601, by the clock of the database. */
  readonly at: string;
  readonly what: Happening;
  /** The event, command or timer; the text of a note; the error. */
  readonly detail: string;
  /** Of `failed`: the id of the dead letter. */
  readonly message?: string;
}

/**
 * A history with entries added, within its bound: what the run failed on since it was last resumed stays before other
 * things, the oldest first.
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

/** Whether a run has ever failed on a message, as far as its history goes back. */
export function hasFailedOn(history: readonly HistoryEntry[], message: string): boolean {
  return history.some((entry) => entry.what === 'failed' && entry.message === message);
}

/** Whether a history has everything that happened. */
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
