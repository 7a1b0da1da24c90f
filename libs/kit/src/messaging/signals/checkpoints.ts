import { channel } from 'node:diagnostics_channel';

/**
 * Named points in a message's life, as Node diagnostics channels: those who observe, and those who test what a crash at
 * each of them does, subscribe to the channel; without a subscriber a point costs nothing. What is published is `{
 * module }`.
 */
const named = (name: string): ((module: string) => void) => {
  const point = channel(`fledge.messaging.${name}`);
  return (module) => {
    if (point.hasSubscribers) point.publish({ module });
  };
};

/** The publisher's transaction holds its messages and is about to be committed. */
export const beforeCommit = named('before-commit');
/** It was committed, and no relay knows yet. */
export const afterCommit = named('after-commit');
/** A relay's batch is where it goes, and not yet marked as sent. */
export const afterSend = named('after-send');
/** Messages are stored in the receiver's inbox, and whoever brought them does not know yet. */
export const afterAccept = named('after-accept');
/** Handlers ran, and their transaction is about to be committed. */
export const afterHandle = named('after-handle');
/** It was committed, and the dispatcher does not know yet. */
export const afterHandled = named('after-handled');
