import type { ModuleDataSource } from '../data/index.js';

/** All that messaging needs of a connection to a module's schema: a pool of its host's, or a plain client of an operator's. */
export interface Sql {
  /** Runs one statement, of a constant text, and answers its rows, those of `returning` for a write. In the transaction of the flow, if one is open. */
  rows<Row extends object>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` in a transaction, which its statements join. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
}

/** A module's data source as `Sql`. */
export function sqlOf(source: ModuleDataSource): Sql {
  return {
    rows: async <Row extends object>(text: string, parameters: readonly unknown[] = []) => recordsOf<Row>(await source.queryPrepared<Row[] | [Row[], number]>(text, parameters)),
    transaction: (work) => source.transaction(work),
  };
}

/** TypeORM answers an update or a delete of PostgreSQL with its rows and their number, anything else with its rows. */
function recordsOf<Row extends object>(result: Row[] | [Row[], number]): Row[] {
  const [first] = result;
  return Array.isArray(first) ? first : (result as Row[]);
}
