import { type Class, eventSpec, FledgeError, messageSpec } from '../contract/index.js';

/** The bus method that a module called, for texts. */
export type BusCall = 'commandBus.execute' | 'queryBus.execute' | 'eventBus.publish';

/**
 * A bus was given something that is not a message: nothing, a plain object, a class instead of an instance. Nothing
 * ran.
 */
export class NotAMessage extends FledgeError {
  readonly code = 'fledge.not-a-message';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(module: string, call: BusCall, given: unknown) {
    const what = nameOf(given);
    super(`${module} called ${call} with ${what}, which is no message`);
    this.hint = hintFor(call, given);
    this.data = { module, call, given: what };
  }
}

/** A module sent a message that belongs to no contract and that none of its own handlers handles. Nothing ran. */
export class NoHandler extends FledgeError {
  readonly code = 'fledge.no-handler';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly hint: string;
  readonly data: Readonly<Record<string, unknown>>;
  constructor(module: string, call: BusCall, cls: Class) {
    super(
      `${module} called ${call} with an instance of ${cls.name}, which belongs to no contract and has no handler in ${module}`,
    );
    const decorator = call === 'commandBus.execute' ? 'Command' : 'Query';
    this.hint =
      cls === Promise
        ? 'Await the promise of the message, and pass its result.'
        : (below(cls) ??
          `Pass a message of a contract that ${module} names in \`uses\`; or, for a message of its own, add a provider with @${decorator}Handler(${cls.name}) to the module.`);
    this.data = { module, call, message: cls.name };
  }
}

/** Whether a bus can look up a handler for it: an instance of a class. */
export function isInstance(given: unknown): given is object {
  if (typeof given !== 'object' || given === null) return false;
  const prototype = Object.getPrototypeOf(given) as object | null;
  return (
    prototype !== null &&
    prototype !== Object.prototype &&
    !Array.isArray(given) &&
    typeof prototype.constructor === 'function'
  );
}

/** A subclass of a contract's class is not part of the contract: the handler was written for its parent. */
function below(cls: Class): string | undefined {
  for (
    let above = Object.getPrototypeOf(cls) as Class | null;
    typeof above === 'function';
    above = Object.getPrototypeOf(above) as Class | null
  ) {
    if (messageSpec(above))
      return `Pass an instance of ${above.name} itself: a class that extends one of a contract is not of the contract.`;
  }
  return undefined;
}

const EXAMPLES: Readonly<Record<BusCall, readonly [string, string]>> = {
  'commandBus.execute': ['a command', 'PlaceOrder'],
  'queryBus.execute': ['a query', 'GetOrder'],
  'eventBus.publish': ['an event', 'OrderPlaced'],
};

function hintFor(call: BusCall, given: unknown): string {
  if (typeof given === 'function' && (messageSpec(given) ?? eventSpec(given)))
    return `Pass an instance of it: ${call}(new ${given.name}(…)).`;
  const [what, example] = EXAMPLES[call];
  return `Pass an instance of the class of ${what}, as in ${call}(new ${example}(…)): the handler is found by the class.`;
}

function nameOf(given: unknown): string {
  if (given === undefined || given === null) return String(given);
  if (Array.isArray(given)) return 'a list';
  if (typeof given === 'object') return 'a plain object';
  if (typeof given === 'function')
    return given.name === '' ? 'a function' : `the class or function ${given.name} itself`;
  return `a ${typeof given}`;
}
