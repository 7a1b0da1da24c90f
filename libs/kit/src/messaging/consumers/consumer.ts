import 'reflect-metadata';
import { type Class, StartupError } from '../../contract/index.js';
import type { StoredMessage } from '../../transport/index.js';

/** How a consumer takes what it is sent: what is left out has its default. */
export interface ConsumerOptions {
  /** Tries of one message before it is a dead letter. 1 to 1,000; default 8. */
  readonly attemptsMax?: number;
  /**
   * The bound of the wait before the second try, in milliseconds; doubles with each further one. The wait itself is
   * chosen evenly between nothing and the bound. 1 to 3,600,000; default 200.
   */
  readonly backoffMs?: number;
  /** The largest bound of a wait, in milliseconds. `backoffMs` to 86,400,000; default 30,000. */
  readonly backoffMaxMs?: number;
  /**
   * What becomes of later messages of a key of which one is a dead letter: `block` keeps them until it is sent again or
   * abandoned, `skip` handles them. Default `block`.
   */
  readonly onDead?: 'block' | 'skip';
  /**
   * Where a consumer begins that is new: with what is published from `now` on, which is when a replica with it starts
   * for the first time, or from the `beginning` of what is retained. Default `now`.
   */
  readonly startFrom?: 'now' | 'beginning';
  /** Errors after which a further try is of no use: the message is a dead letter at once. Default none. */
  readonly notRetryable?: readonly Class<Error>[];
  /**
   * `kit`: the handler works in a transaction of the module's data source that also marks the message as handled: once
   * in effect. `own`: no transaction is open, so that it may call others; what it does must be safe to repeat, for
   * which `currentCall().idempotencyKey` is the message's id. Default `kit`.
   */
  readonly transaction?: 'kit' | 'own';
  /** Time for one try, in milliseconds; then it is given up, and counts. 1 to 600,000; default 30,000. */
  readonly timeoutMs?: number;
}

/** How a consumer takes what it is sent, with nothing left open. */
export type ConsumerRules = Required<ConsumerOptions>;

/** One try of a message that failed; the history of a dead letter is a list of these. */
export interface FailedAttempt {
  /** 1 for the first. Begins at 1 again after the message was sent again by hand. */
  readonly attempt: number;
  /** ISO 8601, by the clock of the replica. */
  readonly at: string;
  /** The error's `code` where it has one, else its name. */
  readonly code: string;
  readonly message: string;
  /** The first lines of the stack. */
  readonly stack?: string;
  /** The replica that tried. */
  readonly replica: string;
}

/** A message that nobody will try again by itself. */
export interface Death {
  readonly reason: string;
  readonly history: readonly FailedAttempt[];
}

/**
 * Something of a module that handles messages durably: an `@EventsHandler` with its name, a durable command's handler,
 * a process.
 */
export interface DurableConsumer {
  /** Names it in the tables, for good. Of a command: its wire name without `.v<major>`. */
  readonly name: string;
  readonly kind: 'event' | 'command';
  /**
   * The names, without `.v<major>`, of what it takes. A message whose version it does not know is put before it as
   * well: `handle` refuses it.
   */
  readonly takes: readonly string[];
  /** The wire names, with their version, of what its code can handle: replicas of other versions tell each other. */
  readonly knows: readonly string[];
  readonly rules: ConsumerRules;
  /**
   * Decodes the message and works on it. Runs in an isolated scope, with a context of the message's own; with
   * `transaction: 'kit'` in a transaction that its data access joins. A rejection is a failed try; an `InvalidMessage`
   * ends the tries.
   */
  handle(message: StoredMessage): Promise<void>;
  /**
   * Told in the transaction that makes the message a dead letter. What is thrown here is logged and changes nothing.
   */
  onDead?(message: StoredMessage, death: Death): Promise<void>;
}

export const ATTEMPTS_MAX_DEFAULT = 8;
export const BACKOFF_DEFAULT_MS = 200;
export const BACKOFF_MAX_DEFAULT_MS = 30_000;
export const HANDLER_TIMEOUT_DEFAULT_MS = 30_000;

const CONSUMER_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const CONSUMER = Symbol.for('fledge.consumer');

/** What `@Consumer` was told. */
export interface ConsumerSpec {
  /** `undefined` for a handler of a durable command, which its command names. */
  readonly name: string | undefined;
  readonly options: ConsumerOptions;
}

/**
 * Names a stock `@EventsHandler` of contract events as a durable consumer, and says how it is retried. The name stands
 * in the tables: it never changes, whatever the class is called.
 * @param name lower-case letters, digits and hyphens, 63 at most, a letter first; its own within the module.
 */
export function Consumer(name: string, options?: ConsumerOptions): ClassDecorator;
/** Says how the durable commands of a stock `@CommandHandler` are retried; the command itself names the consumer. */
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

/** What `@Consumer` was told of a class, if it stands there. */
export function consumerSpec(cls: object): ConsumerSpec | undefined {
  return Object.hasOwn(cls, CONSUMER) ? (cls as { [CONSUMER]: ConsumerSpec })[CONSUMER] : undefined;
}

/** @throws StartupError when a consumer, or a process, cannot have this name. */
export function checkConsumerName(name: string, of: string): void {
  if (CONSUMER_NAME.test(name)) return;
  throw new StartupError(
    'consumer-name',
    `'${name}' cannot name the consumer ${of}`,
    'Use lower-case letters, digits and hyphens, 63 at most, a letter first.',
  );
}

/**
 * Fills in what was left out.
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
 * A wire name without its `.v<major>`: what consumers are registered by, so that a version they do not know still
 * reaches them.
 */
export function familyOf(name: string): string {
  const at = name.lastIndexOf('.v');
  return at > 0 ? name.slice(0, at) : name;
}
