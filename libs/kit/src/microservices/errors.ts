import { FledgeError } from '../contract/index.js';

/**
 * A message of a contract was given to `emit`, whose caller does not learn whether it was handled. Nothing was sent.
 */
export class CannotEmit extends FledgeError {
  readonly code = 'fledge.cannot-emit';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(
    message: string,
    /** What to do instead. */
    readonly hint: string,
  ) {
    super(`emit() was given '${message}', a message of a contract`);
    this.data = { contract: message };
  }
}

/** What `CannotEmit` says of a command or query, and of an event. */
export const EMIT_HINTS = {
  message: 'Use send() and subscribe to its result, which tells whether it was done.',
  event:
    'Only the module that owns an event publishes it, with a transaction: eventBus.publish(…). Send that module a command.',
} as const;

/** A client proxy does not know which module answers a pattern, or which module is the caller. Nothing was sent. */
export class UnknownTarget extends FledgeError {
  readonly code = 'fledge.unknown-target';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly data: Readonly<Record<string, unknown>>;
  constructor(
    message: string,
    readonly hint: string,
    pattern: string,
  ) {
    super(message);
    this.data = { pattern };
  }
}

/** The stock client of Nest got an answer that is not a packet of Nest: the call did not ask the module for one. */
export class PlainAnswer extends FledgeError {
  readonly code = 'fledge.plain-answer';
  readonly kind = 'internal';
  readonly outcome = 'unknown';
  readonly hint = 'Spread the whole of fledgeOverNats(…) into the `options` of Transport.NATS: its `headers`, too.';
  readonly data = {};
  constructor() {
    super('an answer over NATS is not a packet of Nest');
  }
}
