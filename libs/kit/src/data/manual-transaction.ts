import type { QueryRunner } from 'typeorm';
import { currentFrame, type Frame } from '../boundary/index.js';

/**
 * Makes the transactions of a query runner that a module opens by hand known to the frame in which they are opened, so that
 * the boundary refuses a call while one is open. A runner that is released with its transaction open rolls it back first;
 * TypeORM would hand the connection, transaction and all, to the next user of the pool.
 */
export function countByHand(runner: QueryRunner): QueryRunner {
  const { startTransaction, commitTransaction, rollbackTransaction, release } = runner;
  let frame: Frame | undefined;

  const settle = (): void => {
    if (runner.isTransactionActive || !frame) return;
    frame.openByHand -= 1;
    frame = undefined;
  };

  return Object.assign(runner, {
    startTransaction: async (...args: Parameters<QueryRunner['startTransaction']>): Promise<void> => {
      const outermost = !runner.isTransactionActive;
      await startTransaction.apply(runner, args);
      if (!outermost) return;
      frame = currentFrame();
      if (frame) frame.openByHand += 1;
    },
    commitTransaction: async (): Promise<void> => {
      await commitTransaction.call(runner);
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
        // only a lost connection can not roll back, and that one's transaction is gone; the work's own failure is the one to tell
      }
      if (frame) frame.openByHand -= 1;
      frame = undefined;
      await release.call(runner);
    },
  });
}
