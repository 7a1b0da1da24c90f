import 'reflect-metadata';
import { StartupError } from '../../contract/index.js';
import { checkConsumerName } from '../consumers/consumer.js';
import { type CronSchedule, cronSchedule } from './cron-schedule.js';

/** When a job runs: again and again, or at the ticks of a cron expression. */
export type SingletonOptions = IntervalOptions | CronOptions;

/** How often a job runs. */
export interface IntervalOptions {
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
  readonly cron?: undefined;
}

/**
 * The times at which a job runs, by the clock of the database: once for each tick, however many replicas there are.
 *
 * Ticks are missed while no replica runs, and while a run takes longer than the time to the next tick. One run makes up
 * for all missed ticks, as soon as possible. The first start of a singleton makes up for nothing.
 */
export interface CronOptions {
  /**
   * Five fields (minute, hour, day of the month, month, day of the week), or six with seconds in front: `0 3 * * *` is
   * every night at three. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are short for such expressions.
   */
  readonly cron: string;
  /**
   * The zone in which the fields are read, as in `Europe/Berlin`; default `UTC`. When summer time begins, a time that
   * does not exist on that day comes right after the gap. When it ends, a time that comes twice runs once, unless the
   * hour is `*`.
   */
  readonly timeZone?: string;
  readonly everyMs?: undefined;
}

/** A method with `@Singleton`. */
export type SingletonSpec = {
  readonly name: string;
  readonly method: string;
} & (IntervalOptions | { readonly cron: CronSchedule });

const SINGLETONS = 'fledge:singletons';

/**
 * Runs a provider's method again and again, or at the ticks of a cron expression, on only one replica of the module at
 * a time. It runs in a context of its own, outside any transaction, and may call other modules; `currentCall().signal`
 * aborts when another replica takes over. A replica that was frozen during a run, or whose process was too busy to
 * notice, continues beside the next one until it notices: lock in the database what must not happen twice at once. An
 * error is logged and counted, and the next run comes. A replica that is killed during a run is replaced within
 * seconds, and the next run takes up its work: the work must be safe to repeat.
 * @param name up to 63 lower-case letters, digits and hyphens, beginning with a letter; unique within the module.
 */
export function Singleton(name: string, options: SingletonOptions): MethodDecorator {
  return (target, method) => {
    const where = `${target.constructor.name}.${String(method)}`;
    checkConsumerName(name, where);
    const spec: SingletonSpec = { name, method: String(method), ...checked(options, where) };
    Reflect.defineMetadata(SINGLETONS, [...singletonSpecs(target.constructor), spec], target.constructor);
  };
}

function checked(options: SingletonOptions, where: string): IntervalOptions | { readonly cron: CronSchedule } {
  if (options.cron === undefined) return checkedInterval(options, where);
  const { everyMs } = options as { readonly everyMs?: number };
  if (everyMs !== undefined)
    throw new StartupError(
      'singleton-cron',
      `${where} is to run at a cron expression and every ${everyMs} ms`,
      'Give it either `cron` or `everyMs`.',
    );
  return { cron: cronSchedule(options.cron, options.timeZone ?? 'UTC', where) };
}

function checkedInterval({ everyMs, idleMs, onCommit }: IntervalOptions, where: string): IntervalOptions {
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
  return { everyMs, ...(idleMs !== undefined && { idleMs }), ...(onCommit !== undefined && { onCommit }) };
}

/** The singletons of a class and its superclasses. */
export function singletonSpecs(cls: object): readonly SingletonSpec[] {
  return (Reflect.getMetadata(SINGLETONS, cls) as readonly SingletonSpec[] | undefined) ?? [];
}
