import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./flood.main.js', import.meta.url));

/** The result of an overload. */
export interface Flooded {
  /** The most answers per second. */
  readonly peakPerSecond: number;
  readonly sent: number;
  /** Answered successfully in time. */
  readonly inTime: number;
  /** Refused in time, with `Retry-After`. */
  readonly refused: number;
}

/**
 * Requests `path` as fast as it is answered, and then three times as often for `ms`, each with an answer expected
 * within `inTimeMs`; from a separate process.
 */
export async function flood(urls: readonly string[], path: string, ms: number, inTimeMs: number): Promise<Flooded> {
  const child = fork(MAIN, [path, String(ms), String(inTimeMs), ...urls], { execArgv: ['--no-warnings'] });
  const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [undefined])])) as [
    Flooded | undefined,
  ];
  if (answer === undefined) throw new Error('the process that asks too much ended');
  return answer;
}

/**
 * The minimum share of the peak rate that is answered in time under three times the load: 0.8 is promised on an
 * otherwise idle machine.
 */
const IN_TIME_MIN = 0.4;
/** The maximum share of requests that may be neither answered nor refused in time. */
const LOST_MAX = 0.4;

/** How the promise about overload is broken, a line or none. */
export function drowned({ peakPerSecond, sent, inTime, refused }: Flooded, ms: number): string[] {
  const perSecond = inTime / (ms / 1_000);
  const lost = sent - inTime - refused;
  if (perSecond >= peakPerSecond * IN_TIME_MIN && lost <= sent * LOST_MAX) return [];
  return [
    `of ${sent} GETs in ${(ms / 1_000).toFixed(1)} s, three times what it can answer, ${inTime} were answered in time, ${refused} refused, and ${lost} neither: ${perSecond.toFixed(0)} a second of ${peakPerSecond.toFixed(0)}`,
  ];
}
