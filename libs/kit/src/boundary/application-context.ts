import { type Class, type DataKeys, FledgeError, InvalidMessage, type JsonValue, shapeOf } from '../contract/index.js';
import { CallContext, currentContext } from './call-context.js';
import { withinScope } from './call-options.js';
import { CONTEXT_BYTES_MAX, contextCodec, ContextValues, isDeclared } from './context-values.js';

/** The fields that `setContext` and `withContext` change. `undefined` and `null` unset a field. */
export type ContextChange<C> = { readonly [K in DataKeys<C>]?: C[K] | null };

/**
 * The application's context was set outside of any work or inside a transaction, has too many bytes, or was asked for
 * with a class that is not its class.
 */
export class ContextRefused extends FledgeError {
  readonly code = 'fledge.context-refused';
  readonly kind = 'internal';
  readonly outcome = 'not-run';
  readonly data = {};
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/**
 * Returns the values of the application's context in the work that runs, such as the tenant and the locale. The result
 * is a frozen copy; a field that is not set is `undefined`.
 * @throws ContextRefused for a class that no application of this process names as its context.
 */
export function contextOf<C extends object>(context: Class<C>): C {
  refuseUndeclared(context);
  const values = currentContext()?.values;
  return Object.freeze(values ? values.as(contextCodec(context)) : emptyOf(context)) as C;
}

/**
 * Sets values of the application's context for the rest of the work that runs: a request, a call, a message. They cross
 * with its calls, and with the messages that it publishes from now on; they do not come back to a caller.
 * @throws InvalidMessage for a value that does not fit the class. ContextRefused outside of such work; inside a
 * transaction, `withCallOptions` or `withContext`, which would forget the values at their end; for a class that no
 * application of this process names; and for more than 2,048 bytes in all.
 */
export function setContext<C extends object>(context: Class<C>, change: ContextChange<C>): void {
  const current = currentContext();
  if (current === undefined || current.isNested)
    throw new ContextRefused(
      current
        ? 'setContext() was called inside a transaction, withCallOptions or withContext, which would forget it at its end'
        : 'setContext() was called outside of a request, a call or a message',
      'Use withContext(), which sets it for the time of a function, or call it in a guard, an interceptor or a handler.',
    );
  current.values = changed(context, change, current);
}

/**
 * Runs `fn` with values of the application's context; works everywhere, also in a transaction and outside of any work.
 * @throws InvalidMessage for a value that does not fit the class. ContextRefused for a class that no application of
 * this process names, and for more than 2,048 bytes in all.
 */
export function withContext<C extends object, R>(
  context: Class<C>,
  change: ContextChange<C>,
  fn: () => Promise<R>,
): Promise<R> {
  return withinScope({}, fn, (scope, outer) => (scope.values = changed(context, change, outer)));
}

function changed<C extends object>(
  context: Class<C>,
  change: ContextChange<C>,
  current: CallContext | undefined,
): ContextValues | undefined {
  refuseUndeclared(context);
  const codec = contextCodec(context);
  const given = Object.entries(change).filter(([, value]) => value !== null && value !== undefined);
  const copy = JSON.parse(JSON.stringify(codec.copy(Object.fromEntries(given)))) as Record<string, JsonValue>;
  const unset = Object.keys(change).filter((name) => !(name in copy));
  refuseUnknown(context, unset);
  const values = (current?.values ?? NONE).with({
    ...copy,
    ...Object.fromEntries(unset.map((name) => [name, undefined])),
  });
  // a check of the application may compare fields
  values?.as(codec);
  if (values !== undefined && values.text.length > CONTEXT_BYTES_MAX)
    throw new ContextRefused(
      `the context takes ${values.text.length} bytes as JSON, more than ${CONTEXT_BYTES_MAX}`,
      'It crosses with every call: keep an id in it, and what belongs to the id in a module that others ask.',
    );
  return values;
}

const NONE = ContextValues.parse('{}') as ContextValues;

/** Refuses names that are not fields. Unset fields are not in the copy, which checks the names of the others. */
function refuseUnknown(context: Class, names: readonly string[]): void {
  const known = new Set(shapeOf(context).fields.map(({ name }) => name));
  const violations = names
    .filter((name) => !known.has(name))
    .map((path) => ({ path, rule: 'unknown-field', message: `is not a field of ${context.name}` }));
  if (violations.length > 0) throw new InvalidMessage(`the context ${context.name}`, violations);
}

function refuseUndeclared(context: Class): void {
  if (isDeclared(context)) return;
  throw new ContextRefused(
    `${context.name} is not the context of an application of this process`,
    `Name it where the modules are listed: { name: …, context: ${context.name}, modules: … }. In a test of one module, give it to testModule.`,
  );
}

function emptyOf(cls: Class): object {
  return Object.create(cls.prototype as object) as object;
}
