import 'reflect-metadata';
import { type Class, StartupError } from '../../contract/index.js';
import type { StoredMessage } from '../../transport/index.js';

/** How a consumer handles and retries its messages. Every option has a default. */
export interface ConsumerOptions {
  /** Attempts at one message before it becomes a dead letter. 1 to 1,000; default 8. */
  readonly attemptsMax?: number;
  /**
   * The upper bound of the wait before the second attempt, in milliseconds; doubles with each further one. The wait
   * itself is chosen at random between zero and the bound. 1 to 3,600,000; default 200.
   */
  readonly backoffMs?: number;
  /** The largest bound of a wait, in milliseconds. `backoffMs` to 86,400,000; default 30,000. */
  readonly backoffMaxMs?: number;
  /**
   * What happens to later messages of a key that has a dead letter: `block` keeps them until it is sent again or
   * abandoned, `skip` handles them. Default `block`.
   */
  readonly onDead?: 'block' | 'skip';
  /**
   * Where a new consumer begins: with what is published from `now` on, that is, from when a replica with it first
   * starts, or from the `beginning` of what is retained. Default `now`.
   */
  readonly startFrom?: 'now' | 'beginning';
  /** Errors that make a message a dead letter at once, because another attempt would not help. Default none. */
  readonly notRetryable?: readonly Class<Error>[];
  /**
   * `kit`: the handler runs in a transaction of the module's data source that also marks the message as handled, so its
   * effects are exactly once. `own`: no transaction is open, so that the handler may call other modules; what it does
   * must be safe to repeat, for which `currentCall().idempotencyKey` is the message's id. Default `kit`.
   */
  readonly transaction?: 'kit' | 'own';
  /**
   * Time limit of one attempt, in milliseconds; an attempt that exceeds it is aborted and counts. 1 to 600,000; default
   * 30,000.
   */
  readonly timeoutMs?: number;
}

/** `ConsumerOptions` with all defaults filled in. */
export type ConsumerRules = Required<ConsumerOptions>;

/** One failed attempt at a message; the history of a dead letter is a list of these. */
export interface FailedAttempt {
  /** 1 for the first. Starts at 1 again after the message was sent again by hand. */
  readonly attempt: number;
  /** ISO 8601, by the clock of the replica. */
  readonly at: string;
  /** The error's `code` if it has one, otherwise its name. */
  readonly code: string;
  readonly message: string;
  /** The first lines of the stack. */
  readonly stack?: string;
  /** The replica that made the attempt. */
  readonly replica: string;
}

/** Why a message will not be retried automatically. */
export interface Death {
  readonly reason: string;
  readonly history: readonly FailedAttempt[];
}

/**
 * Something in a module that handles messages durably: a named `@EventsHandler`, a durable command's handler, or a
 * process.
 */
export interface DurableConsumer {
  /** Its permanent name in the tables. For a command: its wire name without `.v<major>`. */
  readonly name: string;
  readonly kind: 'event' | 'command';
  /**
   * The names, without `.v<major>`, of what it consumes. It also gets messages of versions that it does not know:
   * `handle` refuses those.
   */
  readonly takes: readonly string[];
  /** The wire names, with their version, that its code can handle: replicas of different versions share them. */
  readonly knows: readonly string[];
  readonly rules: ConsumerRules;
  /**
   * Decodes the message and handles it. Runs in an isolated scope, with a context of the message's own; with
   * `transaction: 'kit'` in a transaction that its data access joins. A rejection is a failed attempt; an
   * `InvalidMessage` or `AccessDenied` ends the attempts.
   */
  handle(message: StoredMessage): Promise<void>;
  /**
   * Called in the transaction that makes the message a dead letter. An error thrown here is logged and changes nothing.
   */
  onDead?(message: StoredMessage, death: Death): Promise<void>;
}

export const ATTEMPTS_MAX_DEFAULT = 8;
export const BACKOFF_DEFAULT_MS = 200;
export const BACKOFF_MAX_DEFAULT_MS = 30_000;
export const HANDLER_TIMEOUT_DEFAULT_MS = 30_000;

const CONSUMER_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const CONSUMER = Symbol.for('fledge.consumer');

/** The arguments of `@Consumer`. */
export interface ConsumerSpec {
  /** `undefined` for a handler of a durable command, which is named after its command. */
  readonly name: string | undefined;
  readonly options: ConsumerOptions;
}

/**
 * Names a stock `@EventsHandler` of contract events as a durable consumer, and sets how it is retried. The name is
 * stored in the tables: it must never change, even if the class is renamed.
 * @param name up to 63 lower-case letters, digits and hyphens, beginning with a letter; unique within the module.
 */
export function Consumer(name: string, options?: ConsumerOptions): ClassDecorator;
/** Sets how the durable commands of a stock `@CommandHandler` are retried; the consumer is named after the command. */
export function Consumer(options: ConsumerOptions): ClassDecorator;
export function Consumer(nameOrOptions: string | ConsumerOptions, maybeOptions: ConsumerOptions = {}): ClassDecorator {
  const [name, options] =
    typeof nameOrOptions === 'string' ? [nameOrOptions, maybeOptions] : [undefined, nameOrOptions];
  return (target) => {
    if (name !== undefined) checkConsumerName(name, target.name);
    resolveRules(options, target.name);
    Object.defineProperty(target, CONSUMER, { value: { name, options } satisfies ConsumerSpec });
  };
}

/** The arguments of a class's `@Consumer`, if it has one. */
export function consumerSpec(cls: object): ConsumerSpec | undefined {
  return Object.hasOwn(cls, CONSUMER) ? (cls as { [CONSUMER]: ConsumerSpec })[CONSUMER] : undefined;
}

/** @throws StartupError when a consumer or a process cannot have this name. */
export function checkConsumerName(name: string, of: string): void {
  if (CONSUMER_NAME.test(name)) return;
  throw new StartupError(
    'consumer-name',
    `'${name}' cannot name the consumer ${of}`,
    'Use lower-case letters, digits and hyphens, 63 at most, a letter first.',
  );
}

/**
 * Fills in the defaults.
 * @param of names the consumer in errors.
 * @throws StartupError when an option is out of its bounds.
 */
export function resolveRules(options: ConsumerOptions, of: string): ConsumerRules {
  const rules: ConsumerRules = {
    attemptsMax: options.attemptsMax ?? ATTEMPTS_MAX_DEFAULT,
    backoffMs: options.backoffMs ?? BACKOFF_DEFAULT_MS,
    backoffMaxMs: options.backoffMaxMs ?? Math.max(BACKOFF_MAX_DEFAULT_MS, options.backoffMs ?? 0),
    onDead: options.onDead ?? 'block',
    startFrom: options.startFrom ?? 'now',
    notRetryable: options.notRetryable ?? [],
    transaction: options.transaction ?? 'kit',
    timeoutMs: options.timeoutMs ?? HANDLER_TIMEOUT_DEFAULT_MS,
  };
  within(of, 'attemptsMax', rules.attemptsMax, 1, 1_000);
  within(of, 'backoffMs', rules.backoffMs, 1, 3_600_000);
  within(of, 'backoffMaxMs', rules.backoffMaxMs, rules.backoffMs, 86_400_000);
  within(of, 'timeoutMs', rules.timeoutMs, 1, 600_000);
  return rules;
}

function within(of: string, option: keyof ConsumerRules, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new StartupError(
    'consumer-option',
    `${of} names ${option} ${value}`,
    `Use a whole number from ${min} to ${max}.`,
    { option, value },
  );
}

/**
 * A wire name without its `.v<major>`. Consumers are registered by it, so that messages of unknown versions still reach
 * them.
 */
export function familyOf(name: string): string {
  const at = name.lastIndexOf('.v');
  return at > 0 ? name.slice(0, at) : name;
}
