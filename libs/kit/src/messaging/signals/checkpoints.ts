import { channel } from 'node:diagnostics_channel';

/**
 * Named points on the way of a message, as Node diagnostics channels, for observers and for tests that crash the
 * process at each of them. A point without a subscriber costs nothing. What is published is `{ module }`.
 */
const named = (name: string): ((module: string) => void) => {
  const point = channel(`fledge.messaging.${name}`);
  return (module) => {
    if (point.hasSubscribers) point.publish({ module });
  };
};

/** The publisher's transaction has stored its messages and is about to be committed. */
export const beforeCommit = named('before-commit');
/** The publisher's transaction is committed, and no relay knows yet. */
export const afterCommit = named('after-commit');
/** The receiver has a relay's batch, and it is not marked as sent yet. */
export const afterSend = named('after-send');
/** Messages are stored in the receiver's inbox, and their sender does not know yet. */
export const afterAccept = named('after-accept');
/** Handlers have run, and their transaction is about to be committed. */
export const afterHandle = named('after-handle');
/** The handlers' transaction is committed, and the dispatcher does not know yet. */
export const afterHandled = named('after-handled');
