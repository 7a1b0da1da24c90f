import 'reflect-metadata';
import { StartupError } from '../contract/index.js';
import { checkConsumerName } from './consumer.js';

/** How often a job runs. */
export interface SingletonOptions {
  /**
   * From the start of one run to the start of the next, or its end if it takes longer; also from replica to replica, and over restarts.
   * 10 to 86,400,000 milliseconds.
   */
  readonly everyMs: number;
}

/** A method with `@Singleton`. */
export interface SingletonSpec extends SingletonOptions {
  readonly name: string;
  readonly method: string;
}

const SINGLETONS = 'fledge:singletons';

/**
 * Runs a provider's method again and again, on one replica of the module at a time, whatever their number. It runs in a frame of its own, outside any
 * transaction, and may call other modules; `currentCall().signal` aborts when another replica takes over. A replica that was frozen in a
 * run, or whose process was too busy to look, goes on beside the next one until it notices: what must not happen twice at once is
 * locked in the database. An error is logged and counted, and the next run comes. A replica that is killed in a run is replaced within seconds,
 * and the work it left is the next run's: it must be safe to repeat.
 * @param name lower-case letters, digits and hyphens, 63 at most, a letter first; its own within the module.
 */
export function Singleton(name: string, { everyMs }: SingletonOptions): MethodDecorator {
  return (target, method) => {
    const where = `${target.constructor.name}.${String(method)}`;
    checkConsumerName(name, where);
    if (!Number.isInteger(everyMs) || everyMs < 10 || everyMs > 86_400_000) {
      throw new StartupError('singleton-interval', `${where} is to run every ${everyMs} ms`, 'Use whole milliseconds from 10 to 86,400,000.', { everyMs });
    }
    const specs = singletonSpecs(target.constructor);
    Reflect.defineMetadata(SINGLETONS, [...specs, { name, everyMs, method: String(method) } satisfies SingletonSpec], target.constructor);
  };
}

/** The singletons of a class, those of its superclasses too. */
export function singletonSpecs(cls: object): readonly SingletonSpec[] {
  return (Reflect.getMetadata(SINGLETONS, cls) as readonly SingletonSpec[] | undefined) ?? [];
}
