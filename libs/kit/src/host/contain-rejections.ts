import { Logger } from '@nestjs/common';
import { currentContext } from '../boundary/index.js';

let hosts = 0;
const logger = new Logger('host');

/**
 * Keeps promises that were rejected and that nobody waited for from ending the process, for as long as a host runs: the
 * error is logged with the work that it belongs to, and the try of a durable message that left it behind fails by it. A
 * listener of the application's own is called as well.
 * @returns a function that a host calls when it has ended.
 */
export function containRejections(): () => void {
  if (hosts++ === 0) process.on('unhandledRejection', contain);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    if (--hosts === 0) process.off('unhandledRejection', contain);
  };
}

/** Node calls it in the asynchronous context of the promise. */
function contain(reason: unknown): void {
  const context = currentContext();
  const wasCounted = context?.rejected(reason) ?? false;
  const where = context
    ? `[${context.correlationId}] ${context.module} left a promise behind that was rejected${wasCounted ? ', which counts as a failure of its message' : ''}`
    : 'a promise was rejected, and nobody waited for it';
  logger.error(`${where}: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`);
}
