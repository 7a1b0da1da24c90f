import { Logger } from '@nestjs/common';
import { currentContext } from '../boundary/index.js';

let hosts = 0;
const logger = new Logger('host');

/**
 * While a host runs, keeps unhandled promise rejections from ending the process: the error is logged with the work that
 * it belongs to, and if that work is an attempt at a durable message, the attempt fails. A listener of the application
 * is called as well.
 * @returns a function for the host to call when it has ended.
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

/** Node calls this in the asynchronous context of the promise. */
function contain(reason: unknown): void {
  const context = currentContext();
  const wasCounted = context?.rejected(reason) ?? false;
  const where = context
    ? `[${context.correlationId}] ${context.module} left a rejected promise unhandled${wasCounted ? ', which counts as a failure of its message' : ''}`
    : 'a rejected promise was not handled';
  logger.error(`${where}: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`);
}
