import { Logger } from '@nestjs/common';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { type Observable, take } from 'rxjs';
import { currentContext, type ModuleServer } from '../boundary/index.js';
import { type JsonValue, StartupError } from '../contract/index.js';
import { ANSWERS_PATTERNS } from '../transport/index.js';
import { FledgeContext } from './fledge-context.js';
import { jsonOf, type PatternAnswer, type PatternCall, patternMessage } from './pattern-message.js';

const logger = new Logger('patterns');

/** Identifies the strategy where a handler names its transport: `@MessagePattern('count', FLEDGE_TRANSPORT)`. */
export const FLEDGE_TRANSPORT = Symbol.for('fledge.transport');

/**
 * Lets controllers with `@MessagePattern` and `@EventPattern` in a bounded module answer, in every topology:
 * `nest: { beforeInit: (app) => void app.connectMicroservice({ strategy: new FledgeStrategy() }) }`. A handler is called
 * through the boundary, like one of a contract: with a copy, in a context of its own, with a deadline of 30 s and the
 * module's limit of calls in flight; the drain waits for it. `FledgeClient` and stock clients over NATS call it.
 *
 * Guards, pipes, interceptors and filters run as with any transport of Nest. A handler returns one value; if its
 * observable emits a second one, the caller gets an error.
 */
export class FledgeStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId = FLEDGE_TRANSPORT;
  private moduleServer: ModuleServer | undefined;

  /** As a `PatternServer`. @internal */
  [ANSWERS_PATTERNS](server: ModuleServer): void {
    if (this.moduleServer !== undefined)
      throw new StartupError(
        'strategy-twice',
        `one FledgeStrategy is connected to ${this.moduleServer.module} and to ${server.module}`,
        'Make a new one in the hook, which runs for each module: connectMicroservice({ strategy: new FledgeStrategy() }).',
      );
    this.moduleServer = server;
  }

  /** Called by Nest when the host starts the module. */
  listen(callback: (error?: unknown) => void): void {
    try {
      const server = this.moduleServer;
      if (server === undefined)
        throw new StartupError(
          'strategy-alone',
          'a FledgeStrategy is connected to an application that no Fledge host runs',
          "Connect it in a hook of the Application's list of modules; a plain Nest application uses Transport.NATS.",
        );
      for (const [route, handler] of this.messageHandlers) {
        const message = patternMessage(server.module, route);
        server.add(message, { execute: (call) => this.answer(message.name, handler, call) });
      }
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  /** Does nothing: the host drains and closes the transport. */
  close(): void {}

  /** @throws always: the strategy has no events of its own. */
  on(): never {
    throw new Error('FledgeStrategy has no events: the transport of the topology reports what happens to it');
  }

  /** The receiving side of the module's boundary. */
  unwrap<T>(): T {
    return this.moduleServer as T;
  }

  private answer(subject: string, handler: MessageHandler, call: PatternCall): Promise<PatternAnswer> {
    const context = new FledgeContext(
      subject,
      new Map(textsOf(call.headers)),
      Object.fromEntries(textsOf(call.metadata)),
    );
    return new Promise((resolve, reject) => {
      const work = async (): Promise<void> => {
        try {
          const result: unknown = await handler(call.data, context);
          resolve(await answerOf(this.transformToObservable(result as Observable<unknown>)));
        } catch (error) {
          reject(error as Error);
        } finally {
          this.onProcessingEndHook?.(this.transportId, context);
        }
      };
      try {
        this.onProcessingStartHook(this.transportId, context, work);
      } catch (error) {
        reject(error as Error);
      }
    });
  }
}

const STREAM = 'a handler of a pattern answers one value, and this observable emits more';
const UNKNOWN = { status: 'error', message: 'Internal server error' };

/**
 * The one value of a stream, or what it failed with: by then a filter has made of it what the client may see. Rejects
 * only with what JSON cannot carry, which is a fault.
 */
function answerOf(stream: Observable<unknown>): Promise<PatternAnswer> {
  return new Promise((resolve, reject) => {
    let value: unknown;
    let count = 0;
    let isOver = false;
    const end = (packet: () => PatternAnswer): void => {
      isOver = true;
      try {
        resolve(packet());
      } catch (error) {
        reject(error as Error);
      }
    };
    const subscription = stream.pipe(take(2)).subscribe({
      next: (next) => {
        value = next;
        count++;
      },
      error: (error: unknown) => end(() => ({ err: jsonOf(error) ?? UNKNOWN, isDisposed: true })),
      complete: () => end(() => (count > 1 ? refused() : { response: jsonOf(value), isDisposed: true })),
    });
    if (isOver) return;
    currentContext()?.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  });
}

function refused(): PatternAnswer {
  logger.error(STREAM);
  return { err: { status: 'error', message: STREAM }, isDisposed: true };
}

/** The texts of what should be an object of texts; it came from outside. */
function textsOf(value: JsonValue | undefined): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
