import type { QueryRunner } from 'typeorm';
import { currentContext, type CallContext } from '../boundary/index.js';
import { isOfCommit, noteUndone } from './passing.js';

/** The start of a statement that changes nothing. */
const READS = /^\s*(select|show|set|start|begin|rollback)\b/i;

/**
 * Records transactions that a module opens by hand on a query runner in the context in which they are opened, so that
 * the boundary refuses a call while one is open. A runner that is released with an open transaction rolls it back
 * first; TypeORM would pass the connection, with the transaction, to the next user of the pool.
 *
 * Changes that are committed outside the kit's own transactions are recorded in the context, too: from then on, a
 * failure of its work does not mean that nothing was done.
 */
export function countByHand(runner: QueryRunner): QueryRunner {
  const { query, startTransaction } = runner;
  let begun: (() => void) | undefined;
  runner.query = (...args: Parameters<QueryRunner['query']>): ReturnType<QueryRunner['query']> => {
    const answer = query.apply(runner, args) as ReturnType<QueryRunner['query']>;
    if (runner.isTransactionActive) return answer.catch(undoneUnlessCommitting);
    if (!READS.test(textOf(args[0]))) currentContext()?.noteEffect();
    return answer;
  };
  // Most runners only read and are released: what handles the end of a transaction is added when one begins.
  runner.startTransaction = async (...args): Promise<void> => {
    begun ??= countEnds(runner);
    const outermost = !runner.isTransactionActive;
    await startTransaction.apply(runner, args);
    if (outermost) begun();
  };
  return runner;
}

/** Handles the end of a transaction; returns the function to call when one has begun. */
function countEnds(runner: QueryRunner): () => void {
  const { commitTransaction, rollbackTransaction, release } = runner;
  let context: CallContext | undefined;

  const settle = (): void => {
    if (runner.isTransactionActive || !context) return;
    context.openByHand -= 1;
    context = undefined;
  };

  Object.assign(runner, {
    commitTransaction: async (): Promise<void> => {
      await commitTransaction.call(runner);
      if (!runner.isTransactionActive) currentContext()?.noteEffect();
      settle();
    },
    rollbackTransaction: async (): Promise<void> => {
      await rollbackTransaction.call(runner);
      settle();
    },
    release: async (): Promise<void> => {
      try {
        while (runner.isTransactionActive && !runner.isReleased) await rollbackTransaction.call(runner);
      } catch {
        // only a lost connection cannot roll back, and its transaction is gone; the error of the work itself is the one
        // to report
      }
      if (context) context.openByHand -= 1;
      context = undefined;
      await release.call(runner);
    },
  });
  return () => {
    context = currentContext();
    if (context) context.openByHand += 1;
  };
}

function undoneUnlessCommitting(error: unknown): never {
  if (!isOfCommit(error)) noteUndone(error);
  throw error;
}

/** The text of a statement, which may be an object with a name. */
function textOf(statement: unknown): string {
  return typeof statement === 'string'
    ? statement
    : String((statement as { readonly text?: unknown } | undefined)?.text);
}
