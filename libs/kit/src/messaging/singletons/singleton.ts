import 'reflect-metadata';
import { StartupError } from '../../contract/index.js';
import { checkConsumerName } from '../consumers/consumer.js';

/** How often a job runs. */
export interface SingletonOptions {
  /**
   * From the start of one run to the start of the next, or to its own end if it takes longer. Intervals of five seconds
   * or more also hold across replicas and restarts. 10 to 86,400,000 milliseconds.
   */
  readonly everyMs: number;
  /**
   * The longest wait when there is nothing to do. A run may return the number of milliseconds until there is work, as
   * far as it knows (`Infinity`: none); the next run comes then, but not before `everyMs` and not after `idleMs`. After
   * any other result the next run comes after `everyMs`. `everyMs` to 86,400,000; default: every run comes after
   * `everyMs`.
   */
  readonly idleMs?: number;
  /**
   * Whether a commit of the module's, in any replica, ends such a wait: the next run then comes after `everyMs`.
   * Default true.
   */
  readonly onCommit?: boolean;
}

/** A method with `@Singleton`. */
export interface SingletonSpec extends SingletonOptions {
  readonly name: string;
  readonly method: string;
}

const SINGLETONS = 'fledge:singletons';

/**
 * Runs a provider's method again and again, on only one replica of the module at a time. It runs in a context of its
 * own, outside any transaction, and may call other modules; `currentCall().signal` aborts when another replica takes
 * over. A replica that was frozen during a run, or whose process was too busy to notice, continues beside the next one
 * until it notices: lock in the database what must not happen twice at once. An error is logged and counted, and the
 * next run comes. A replica that is killed during a run is replaced within seconds, and the next run takes up its work:
 * the work must be safe to repeat.
 * @param name up to 63 lower-case letters, digits and hyphens, beginning with a letter; unique within the module.
 */
export function Singleton(name: string, { everyMs, idleMs, onCommit }: SingletonOptions): MethodDecorator {
  return (target, method) => {
    const where = `${target.constructor.name}.${String(method)}`;
    checkConsumerName(name, where);
    if (!Number.isInteger(everyMs) || everyMs < 10 || everyMs > 86_400_000) {
      throw new StartupError(
        'singleton-interval',
        `${where} is to run every ${everyMs} ms`,
        'Use whole milliseconds from 10 to 86,400,000.',
        { everyMs },
      );
    }
    if (idleMs !== undefined && (!Number.isInteger(idleMs) || idleMs < everyMs || idleMs > 86_400_000)) {
      throw new StartupError(
        'singleton-interval',
        `${where} is to wait ${idleMs} ms when there is nothing to do`,
        `Use whole milliseconds from everyMs, ${everyMs}, to 86,400,000.`,
        { idleMs },
      );
    }
    const specs = singletonSpecs(target.constructor);
    Reflect.defineMetadata(
      SINGLETONS,
      [
        ...specs,
        {
          name,
          everyMs,
          ...(idleMs !== undefined && { idleMs }),
          ...(onCommit !== undefined && { onCommit }),
          method: String(method),
        } satisfies SingletonSpec,
      ],
      target.constructor,
    );
  };
}

/** The singletons of a class and its superclasses. */
export function singletonSpecs(cls: object): readonly SingletonSpec[] {
  return (Reflect.getMetadata(SINGLETONS, cls) as readonly SingletonSpec[] | undefined) ?? [];
}
