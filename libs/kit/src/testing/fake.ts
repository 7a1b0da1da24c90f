import type { Command, Query } from '@nestjs/cqrs';
import { type Class, type Contract, type Fields, messageSpec, StartupError } from '../contract/index.js';

/** Carries the type of its result, as `Command<R>` and `Query<R>` of `@nestjs/cqrs` do. */
export type Message<R = unknown> = Command<R> | Query<R>;

/** The result of a message's class: `ResultOf<ReserveStock>` is `StockReservation`. */
export type ResultOf<M> = M extends Command<infer R> ? R : M extends Query<infer R> ? R : never;

/** What a fake may return: the result, or its plain fields, at any depth. */
export type Answer<R> = R extends Date | string | number | boolean | null | undefined | void
  ? R
  : R extends readonly (infer I)[]
    ? readonly Answer<I>[]
    : R extends object
      ? { [K in keyof Fields<R>]: Answer<Fields<R>[K]> }
      : R;

/**
 * Answers one message in place of a neighbour. May throw an error that the contract declares, or a kit error to
 * simulate a lost peer.
 */
export type FakeHandler<M extends Message> = (message: M) => Answer<ResultOf<M>> | Promise<Answer<ResultOf<M>>>;

/**
 * A stand-in for a module, by its contract: `fake(CatalogContract).on(GetProducts, ({ ids }) => …)`. Give it to
 * `testModule`. Its handlers can be changed at any time, also while the module under test runs.
 */
export class Fake {
  private readonly handlers = new Map<Class, FakeHandler<never>>();

  constructor(readonly contract: Contract) {}

  /**
   * Sets the handler of a message. Throws at once when the contract does not have the message.
   * @param handler runs behind the boundary: it gets a copy, and its result is checked and copied.
   */
  on<M extends Message>(message: Class<M>, handler: FakeHandler<M>): this {
    if (!this.contract.messages.some((known) => known.cls === message)) {
      const name = messageSpec(message)?.name ?? message.name;
      throw new StartupError(
        'fake-message',
        `a fake cannot answer '${name}': it is not a message of the contract of ${this.contract.name}`,
        `It has: ${this.contract.messages.map((known) => known.name).join(', ') || 'none'}.`,
      );
    }
    this.handlers.set(message, handler as FakeHandler<never>);
    return this;
  }

  /** The current handler of a message, if there is one. */
  handlerOf(message: Class): ((message: object) => unknown) | undefined {
    return this.handlers.get(message) as ((message: object) => unknown) | undefined;
  }
}

/** Creates a stand-in for the module of a contract. A message without a handler fails the test when it is sent. */
export function fake(contract: Contract): Fake {
  return new Fake(contract);
}
