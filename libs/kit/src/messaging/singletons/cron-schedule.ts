import { Cron } from 'croner';
import { StartupError } from '../../contract/index.js';

/** When a singleton with a cron expression runs. */
export interface CronSchedule {
  /** As it was written. */
  readonly expression: string;
  /** The first tick after a moment. Both in milliseconds since 1970; undefined if none follows. */
  nextAfter(at: number): number | undefined;
}

/**
 * Reads a cron expression: five fields, or six with seconds in front.
 * @param where the method, for errors.
 * @throws StartupError for an expression or a time zone that is not valid, and for an expression without any tick.
 */
export function cronSchedule(expression: string, timeZone: string, where: string): CronSchedule {
  try {
    // croner also takes a date, which comes only once
    if (!/^(@\w+|\S+(\s+\S+){4,5})$/.test(expression.trim())) throw new Error('it does not have five or six fields');
    // paused and without a function: it only computes
    const cron = new Cron(expression, { timezone: timeZone, mode: '5-or-6-parts', paused: true });
    const nextAfter = (at: number): number | undefined => cron.nextRun(new Date(at))?.getTime();
    // a day that no month has, such as the 30th of February
    if (nextAfter(Date.now()) === undefined) throw new Error('it never comes true');
    return { expression, nextAfter };
  } catch (error) {
    throw new StartupError(
      'singleton-cron',
      `${where} is to run at the cron expression ${JSON.stringify(expression)} in the time zone ${JSON.stringify(timeZone)}: ${(error as Error).message}`,
      "Use five fields, as in '0 3 * * *' (minute, hour, day, month, weekday), or six with seconds in front, and a time zone as in 'Europe/Berlin'.",
      { expression, timeZone },
    );
  }
}
