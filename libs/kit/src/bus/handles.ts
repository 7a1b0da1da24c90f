import type { INestApplicationContext } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Command, Query } from '@nestjs/cqrs';
import { type Class, messageSpec, StartupError } from '../contract/index.js';
import { providerClass, providersOf } from './providers.js';

const HANDLES = 'fledge:handles';

/** What a message promises its caller. */
export type Promised<M> = M extends Query<infer Result> | Command<infer Result> ? Result : unknown;

/** A method that returns the result of a message, now or later. */
export type HandlerMethod<M, Args extends readonly unknown[]> = (...args: Args) => Promised<M> | Promise<Promised<M>>;

/** The decorator that `Handles` returns: does not compile on a method that takes or returns something else. */
export type HandlesDecorator<M, Args extends readonly unknown[]> = <F extends HandlerMethod<M, Args>>(
  target: object,
  method: string,
  descriptor: TypedPropertyDescriptor<F>,
) => void;

/**
 * Handles a command or a query of the module's contract with a method of any provider, so that an existing service
 * needs no handler class for each message. The method gets the message, or the arguments that `argsOf` returns for it:
 * `@Handles(ListUsers, ({ ids }) => [ids])` leaves `list(ids: number[])` as it is.
 *
 * The stock `@CommandHandler` and `@QueryHandler` do the same with a class. Use those for request-scoped handlers, and
 * to set with `@Consumer` how durable commands are retried.
 */
export function Handles<M extends object>(message: Class<M>): HandlesDecorator<M, [message: M]>;
export function Handles<M extends object, const Args extends readonly unknown[]>(
  message: Class<M>,
  argsOf: (message: M) => Args,
): HandlesDecorator<M, Args>;
export function Handles(
  message: Class,
  argsOf: ArgsOf = (given) => [given],
): (target: object, method: string, descriptor: never) => void {
  return (target, method) => {
    if (typeof target === 'function')
      throw new StartupError(
        'handler-method',
        `${target.name}.${method} is static, and has @Handles(${message.name})`,
        'Remove `static`: a handler is a method of a provider.',
      );
    if (messageSpec(message) === undefined)
      throw new StartupError(
        'handler-method',
        `${target.constructor.name}.${method} has @Handles(${message.name}), which belongs to no contract`,
        `Decorate ${message.name} with @CommandContract or @QueryContract; for a message of the module alone, write a class with the stock @CommandHandler or @QueryHandler.`,
      );
    Reflect.defineMetadata(HANDLES, [...handledIn(target), { message, method, argsOf }], target);
  };
}

type ArgsOf = (message: never) => readonly unknown[];

interface Handled {
  readonly message: Class;
  readonly method: string;
  readonly argsOf: ArgsOf;
}

/** Those of a class and its parents. A factory that is an arrow function has no prototype. */
function handledIn(prototype: object | undefined): readonly Handled[] {
  if (prototype === undefined) return [];
  return (Reflect.getMetadata(HANDLES, prototype) as readonly Handled[] | undefined) ?? [];
}

/** A method of a provider with `@Handles`. */
export interface MethodHandler {
  readonly message: Class;
  /** For texts: `UsersService.find`. */
  readonly name: string;
  readonly call: (message: object) => unknown;
}

/**
 * The methods with `@Handles` of a container's providers. @throws StartupError for a request-scoped or transient one.
 */
export function methodHandlersOf(app: INestApplicationContext): MethodHandler[] {
  const seen = new Set<Class>();
  return providersOf(app).flatMap((wrapper) => {
    const cls = providerClass(wrapper);
    // also provided elsewhere, or under another token
    if (cls === undefined || seen.has(cls)) return [];
    seen.add(cls);
    return handledIn(cls.prototype as object | undefined).map((handled) => methodHandler(wrapper, cls, handled));
  });
}

function methodHandler(wrapper: InstanceWrapper, cls: Class, { message, method, argsOf }: Handled): MethodHandler {
  const name = `${cls.name}.${method}`;
  if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)
    throw new StartupError(
      'handler-method',
      `${name} has @Handles(${message.name}), but ${cls.name} is made anew for each request or user`,
      `Give ${cls.name} and what it injects the default scope, or handle ${message.name} with a class that has the stock @CommandHandler or @QueryHandler.`,
    );
  const instance = wrapper.instance as Record<string, (...args: readonly unknown[]) => unknown>;
  // looked up at each call, as tests put spies in their place
  return { message, name, call: (input) => instance[method]?.(...argsOf(input as never)) };
}
