/** Entries of a run's history at the most: the first, and the newest of the others. */
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

/** A history with entries added, within its bound. */
export function extended(history: readonly HistoryEntry[], added: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const all = [...history, ...added];
  return all.length <= HISTORY_MAX ? all : [...all.slice(0, 1), ...all.slice(1 - HISTORY_MAX)];
}

/** The ids of the dead letters that a run failed on since it was last resumed. */
export function failedOn(history: readonly HistoryEntry[]): readonly string[] {
  const since = history.slice(history.findLastIndex(({ what }) => what === 'resumed') + 1);
  return [...new Set(since.flatMap(({ what, message }) => (what === 'failed' && message !== undefined ? message : [])))];
}

/** PostgreSQL stores no NUL, and no half of a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/gu;

/** A text as it can be stored. */
export function storable(text: string, charsMax = DETAIL_CHARS_MAX): string {
  return text.slice(0, charsMax).replace(UNSTORABLE, '\uFFFD');
}
