import type { LineEvents, ModuleDataSource, ModuleLine } from '../../data/index.js';

/** The connection to a module's schema that messaging needs: a host's pool, or an operator's plain client. */
export interface Sql {
  /**
   * Runs one statement with a constant text and returns its rows, for a write those of `returning`. Joins the current
   * transaction, if one is open.
   */
  rows<Row extends object>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` in a transaction, which its statements join. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Opens a connection for the caller alone. Without it, replicas learn at a heartbeat what they would otherwise be
   * notified of at once.
   */
  openLine?(events: LineEvents): Promise<ModuleLine>;
}

/** A module's data source as `Sql`. */
export function sqlOf(source: ModuleDataSource): Sql {
  return {
    rows: (text, parameters = []) => source.rowsPrepared(text, parameters),
    transaction: (work) => source.transaction(work),
    openLine: (events) => source.openLine(events),
  };
}
