import 'reflect-metadata';
import type { Command, Query } from '@nestjs/cqrs';
import type { AccessRule } from './access.js';
import type { ErrorDetails, ErrorKind, Outcome } from './errors.js';
import type { Class } from './class.js';
import { FledgeError, StartupError } from './errors.js';
import type { EnumOf, Form, OneOf, RecordOf, VariantOf } from './forms.js';

export type { Class } from './class.js';

/** What a result can be, and a list of it: a class or one of the forms. */
export type ResultItem = Class | Form;

/** A result that may be `null`; see `nullable`. */
export interface Nullable<R extends ResultItem | readonly [ResultItem] = ResultItem | readonly [ResultItem]> {
  readonly nullable: R;
}

/**
 * The result of a message: a class, `oneOf` several, `recordOf` something, `enumOf` an enum; a list of one of these,
 * such as `[Class]`; `nullable` of any; or `undefined` for none. `String`, `Number` and `Boolean` stand for primitives.
 */
export type ResultType = ResultItem | readonly [ResultItem] | Nullable | undefined;

/**
 * A result that may be `null`: `@QueryContract('books.find.v1', { result: nullable(Book) })` for a `Query<Book | null>`.
 * A handler that returns `undefined`, as `Map.get` does, answers `null` as well.
 */
export function nullable<const R extends ResultItem | readonly [ResultItem]>(result: R): Nullable<R> {
  return { nullable: result };
}

/** Whether a result may be `null`. */
export function isNullable(type: ResultType): type is Nullable {
  return typeof type === 'object' && 'nullable' in type;
}

/** The value for a `ResultType`: an instance, a list of them, `null` where it may be, or nothing. */
export type ResultValue<R extends ResultType> =
  R extends Nullable<infer Inner>
    ? ResultValue<Inner> | null
    : R extends readonly [infer I extends ResultItem]
      ? readonly ItemOf<I>[]
      : R extends ResultItem
        ? ItemOf<R>
        : void;

/** The type of one result: an instance of a class, a primitive for its constructor, or the value of a form. */
export type ItemOf<I extends ResultItem> = I extends StringConstructor
  ? string
  : I extends NumberConstructor
    ? number
    : I extends BooleanConstructor
      ? boolean
      : I extends OneOf
        ? VariantOf<I>
        : I extends RecordOf<infer V>
          ? Readonly<Record<string, ItemOf<V>>>
          : I extends EnumOf<infer V>
            ? V
            : I extends Class<infer T>
              ? T
              : never;

/**
 * The decorator of a message class whose result is `R`. A class does not compile with it if it extends `Query<T>` or
 * `Command<T>` of another `T`.
 */
export type MessageDecorator<R extends ResultType> = <C extends Class>(
  target: C & ResultAgrees<InstanceType<C>, R>,
) => void;

/**
 * `unknown` if the class promises what `result` says, or promises nothing; otherwise a type that no class has, whose
 * keys are the text of the compiler's error.
 */
export type ResultAgrees<M, R extends ResultType> = Class extends R
  ? unknown
  : M extends Query<infer Promised> | Command<infer Promised>
    ? [Promised] extends [ResultValue<R>]
      ? [Arriving<ResultValue<R>>] extends [Promised]
        ? unknown
        : ResultDiffers<Promised, R>
      : ResultDiffers<Promised, R>
    : unknown;

/** Appears in the compiler's error. */
export interface ResultDiffers<Promised, R extends ResultType> {
  readonly 'the class extends Query<T> or Command<T>, and T is': Promised;
  readonly 'which is not what `result` says': ResultValue<R>;
}

/** What the caller receives: a list is the caller's own to change, and no result is `undefined`. */
export type Arriving<T> = T extends readonly (infer I)[]
  ? [ArrivingItem<I>] extends [never]
    ? never
    : I[]
  : [T] extends [void]
    ? undefined
    : ArrivingItem<T>;

/** `never` for the primitives that a class may narrow: the whole of their type, not the values of an enum. */
export type ArrivingItem<T> = T extends boolean
  ? never
  : T extends string
    ? string extends T
      ? never
      : T
    : T extends number
      ? number extends T
        ? never
        : T
      : T;

/** Names of a class's data fields, without its methods. */
export type DataKeys<T> = {
  [K in keyof T]: K extends symbol ? never : T[K] extends (...args: never[]) => unknown ? never : K;
}[keyof T];

/** The plain fields of a contract class, for its constructor: `constructor(fields: Fields<ReserveStock>)`. */
export type Fields<T> = T extends ContractError
  ? Omit<Pick<T, DataKeys<T>>, keyof ContractError>
  : Pick<T, DataKeys<T>>;

/**
 * How to treat a field that the class does not have, in data from other code: another process, or a message stored by
 * another version. `exact` refuses the whole message with `InvalidMessage`; `open` drops the field before any handler
 * sees it, so that this code accepts additions of a newer contract. The receiver's own contract decides.
 *
 * What this code itself passes, returns, throws or publishes must match its classes in both modes: a misspelt field is
 * refused.
 */
export type UnknownFields = 'exact' | 'open';

/** Options of a command or a query. */
export interface MessageOptions<R extends ResultType = ResultType> {
  /** The result that the handler returns. Default none. */
  readonly result?: R;
  /** The errors that arrive at the caller as their own class; any other arrives as `ModuleFault`. Default none. */
  readonly errors?: readonly Class<ContractError>[];
  /**
   * The longest a call may take, in milliseconds; the caller's own deadline may shorten it. 1 to 600,000; default
   * 5,000.
   */
  readonly deadlineMs?: number;
  /**
   * Whether the handler may safely run twice for one message, so that the transport may send it again when a replica is
   * lost. Queries always are idempotent. A command is if it is called with an idempotency key; set `true` if it is by
   * nature. Default `false`.
   */
  readonly idempotent?: boolean;
  /**
   * How unknown fields are treated in the message, its result, its errors, and everything nested in them. Default: what
   * `defineContract` says.
   */
  readonly unknownFields?: UnknownFields;
  /** Who may send it. Default: what `defineContract` says. */
  readonly access?: AccessRule;
}

/** Options of an event. */
export interface EventOptions {
  /** The field whose value orders events: events with the same value are delivered in commit order. */
  readonly key: string;
  /** How unknown fields are treated in the event and everything nested in it. Default: what `defineContract` says. */
  readonly unknownFields?: UnknownFields;
}

/** What the decorators record about a message class. */
export interface MessageSpec {
  readonly kind: 'command' | 'query';
  readonly name: string;
  readonly cls: Class;
  readonly result: ResultType;
  readonly errors: readonly Class<ContractError>[];
  readonly deadlineMs: number;
  readonly idempotent: boolean;
  /** Within a contract, the message's own mode or else the contract's; `exact` if neither is set. */
  readonly unknownFields?: UnknownFields;
  /** Within a contract, the message's own rule or else the contract's; `undefined` if neither is declared. */
  readonly access?: AccessRule;
}

/** What the decorator records about an event class. */
export interface EventSpec {
  readonly kind: 'event';
  readonly name: string;
  readonly cls: Class;
  /** The field whose value orders events: events with the same value are delivered in commit order. */
  readonly key: string;
  /** Within a contract, the event's own mode or else the contract's; `exact` if neither is set. */
  readonly unknownFields?: UnknownFields;
}

/** What the decorator records about an error class. */
export interface ErrorSpec {
  readonly name: string;
  readonly cls: Class<ContractError>;
  readonly kind: ErrorKind;
  readonly hint: string;
}

/** Milliseconds a call may take if its contract does not say. */
export const DEADLINE_DEFAULT_MS = 5_000;
/** The longest deadline that a contract may set: ten minutes. */
export const DEADLINE_MAX_MS = 600_000;

const MESSAGE = Symbol.for('fledge.message');
const EVENT = Symbol.for('fledge.event');
const ERROR = Symbol.for('fledge.error');
const WIRE_NAME = /^[a-z][a-z0-9-]{0,62}\.[a-z][a-z0-9-]{0,94}\.v[1-9][0-9]{0,3}$/;

function checkName(name: string, cls: Class): string {
  if (!WIRE_NAME.test(name)) {
    throw new StartupError(
      'wire-name',
      `${cls.name} has the wire name '${name}', which is not of the form <module>.<message>.v<major>`,
      "Use lower-case words joined by hyphens and a major version, as in 'inventory.reserve-stock.v1'.",
    );
  }
  return name;
}

/** Throws a `StartupError` for an unknown mode, which untyped code may pass. */
export function checkUnknownFields(mode: UnknownFields | undefined, where: string): UnknownFields | undefined {
  if (mode === undefined || mode === 'exact' || mode === 'open') return mode;
  throw new StartupError('unknown-fields', `${where} has '${String(mode)}' as unknownFields`, "Use 'exact' or 'open'.");
}

function message(kind: 'command' | 'query', name: string, options: MessageOptions): (target: Class) => void {
  return (target) => {
    const cls = target;
    const deadlineMs = options.deadlineMs ?? DEADLINE_DEFAULT_MS;
    if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > DEADLINE_MAX_MS) {
      throw new StartupError(
        'deadline',
        `${cls.name} has a deadline of ${deadlineMs} ms`,
        `Use whole milliseconds from 1 to ${DEADLINE_MAX_MS}.`,
      );
    }
    const spec: MessageSpec = {
      kind,
      name: checkName(name, cls),
      cls,
      result: options.result,
      errors: options.errors ?? [],
      deadlineMs,
      idempotent: kind === 'query' || (options.idempotent ?? false),
      unknownFields: checkUnknownFields(options.unknownFields, cls.name),
      ...(options.access && { access: options.access }),
    };
    Object.defineProperty(target, MESSAGE, { value: spec });
  };
}

/**
 * Puts a command under a contract: other modules may `execute()` it wherever its module runs.
 * @param name the wire name, `<module>.<message>.v<major>`; never changes once used.
 */
export function CommandContract<const R extends ResultType = undefined>(
  name: string,
  options: MessageOptions<R> = {},
): MessageDecorator<R> {
  return message('command', name, options);
}

/** Puts a query under a contract; like a command, and always safe to repeat. */
export function QueryContract<const R extends ResultType = undefined>(
  name: string,
  options: MessageOptions<R> = {},
): MessageDecorator<R> {
  return message('query', name, options);
}

/** Puts an event under a contract. `key` names the field by which its deliveries are ordered. */
export function EventContract(name: string, options: EventOptions): ClassDecorator {
  return (target) => {
    const cls = target as unknown as Class;
    const unknownFields = checkUnknownFields(options.unknownFields, cls.name);
    Object.defineProperty(target, EVENT, {
      value: { kind: 'event', name: checkName(name, cls), cls, key: options.key, unknownFields } satisfies EventSpec,
    });
  };
}

/** Puts an error under a contract, which may then declare it. Default kind `conflict`. */
export function ErrorContract(
  name: string,
  options: { readonly kind?: ErrorKind; readonly hint?: string } = {},
): ClassDecorator {
  return (target) => {
    const cls = target as unknown as Class<ContractError>;
    const spec: ErrorSpec = {
      name: checkName(name, cls),
      cls,
      kind: options.kind ?? 'conflict',
      hint: options.hint ?? '',
    };
    Object.defineProperty(target, ERROR, { value: spec });
  };
}

/**
 * The root of errors that a contract declares: arrives at the caller as its own class, with its fields and its message.
 */
export abstract class ContractError extends FledgeError implements ErrorDetails {
  private get spec(): ErrorSpec {
    const spec = errorSpec(this.constructor as Class);
    if (!spec)
      throw new StartupError(
        'error-contract',
        `${this.constructor.name} has no @ErrorContract`,
        'Decorate the class with @ErrorContract(name).',
      );
    return spec;
  }
  get code(): string {
    return this.spec.name;
  }
  get kind(): ErrorKind {
    return this.spec.kind;
  }
  get hint(): string {
    return this.spec.hint;
  }
  get outcome(): Outcome {
    return 'rejected';
  }
  get data(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(this));
  }
}

/** The contract of a command or query class, if the class itself has one (a subclass does not inherit it). */
export function messageSpec(cls: object): MessageSpec | undefined {
  return Object.hasOwn(cls, MESSAGE) ? (cls as { [MESSAGE]: MessageSpec })[MESSAGE] : undefined;
}

/** The contract of an event class, if it has one. */
export function eventSpec(cls: object): EventSpec | undefined {
  return Object.hasOwn(cls, EVENT) ? (cls as { [EVENT]: EventSpec })[EVENT] : undefined;
}

/** The contract of an error class, if it has one. */
export function errorSpec(cls: object): ErrorSpec | undefined {
  return Object.hasOwn(cls, ERROR) ? (cls as { [ERROR]: ErrorSpec })[ERROR] : undefined;
}
