import type { Class } from '../contract/index.js';
import { eventually, type Check } from './eventually.js';
import type { Message } from './fake.js';
import type { Method, RequestOptions, Stimulus, TestResponse } from './stimulus.js';

/**
 * A test of a module, step by step: stimulate, wait for the state, check. Each method adds a step; all run in order
 * when the scenario is awaited, and the first failure ends it. The result of the last stimulus is passed to the steps
 * after it, and is the result of the scenario. After Spring Modulith's `Scenario`.
 */
export class Scenario<T> implements PromiseLike<T> {
  constructor(
    private readonly caller: Stimulus,
    private readonly run: () => Promise<T>,
  ) {}

  /** Stimulates with a command or query of the module's contract. */
  when<R>(message: Message<R>): Scenario<R> {
    return this.next(() => this.caller.execute(message));
  }

  /** Stimulates with an HTTP request. */
  request(method: Method, url: string, body?: unknown, options?: RequestOptions): Scenario<TestResponse> {
    return this.next(() => this.caller.request(method, url, body, options));
  }

  /** Expects the previous steps to fail with this error, and continues with the error. */
  fails<E extends Error>(error: Class<E>): Scenario<E> {
    return new Scenario(this.caller, async () => {
      let answer: T;
      try {
        answer = await this.run();
      } catch (thrown) {
        if (thrown instanceof error) return thrown;
        throw thrown;
      }
      throw new Error(`${error.name} was expected, but nothing failed; the result was ${JSON.stringify(answer)}`);
    });
  }

  /** Waits until `check` neither returns `false` nor throws. @param withinMs default 5,000. */
  eventually(what: string, check: (answer: T) => ReturnType<Check>, withinMs?: number): Scenario<T> {
    return this.next(async (answer) => {
      await eventually(() => check(answer), what, withinMs);
      return answer;
    });
  }

  /** Checks once, with `expect`s. */
  check(look: (answer: T) => void | Promise<void>): Scenario<T> {
    return this.next(async (answer) => {
      await look(answer);
      return answer;
    });
  }

  then<A = T, B = never>(
    onAnswer?: ((answer: T) => A | PromiseLike<A>) | null,
    onFailure?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.run().then(onAnswer, onFailure);
  }

  private next<R>(step: (answer: T) => Promise<R>): Scenario<R> {
    return new Scenario(this.caller, async () => step(await this.run()));
  }
}
