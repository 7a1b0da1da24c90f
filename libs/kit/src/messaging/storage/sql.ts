import type { LineEvents, ModuleDataSource, ModuleLine } from '../../data/index.js';

/**
 * All that messaging needs of a connection to a module's schema: a pool of its host's, or a plain client of an
 * operator's.
 */
export interface Sql {
  /**
   * Runs one statement, of a constant text, and returns its rows, those of `returning` for a write. In the transaction
   * of the flow, if one is open.
   */
  rows<Row extends object>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` in a transaction, which its statements join. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Opens a connection that is the caller's own. Without it, replicas find out at a beat what they would be told at
   * once.
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
