import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./flood.main.js', import.meta.url));

/** How a shop answered more requests than it can answer. */
export interface Flooded {
  /** The most that it answers a second. */
  readonly peakPerSecond: number;
  readonly sent: number;
  /** Answered as asked in time. */
  readonly inTime: number;
  /** Refused in time, with when to come again. */
  readonly refused: number;
}

/**
 * Asks for `path` as fast as it is answered, and then three times as often for `ms`, each for an answer within
 * `inTimeMs`; from a process of its own.
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
 * The least share of the peak that is answered in time under three times the load: 0.8 is promised on a machine that
 * does nothing else.
 */
const IN_TIME_MIN = 0.4;
/** The most of what is asked that may be neither answered nor refused in time. */
const LOST_MAX = 0.4;

/** What is broken of the promise under too many requests, a line or none. */
export function drowned({ peakPerSecond, sent, inTime, refused }: Flooded, ms: number): string[] {
  const perSecond = inTime / (ms / 1_000);
  const lost = sent - inTime - refused;
  if (perSecond >= peakPerSecond * IN_TIME_MIN && lost <= sent * LOST_MAX) return [];
  return [
    `of ${sent} GETs in ${(ms / 1_000).toFixed(1)} s, three times what it can answer, ${inTime} were answered in time, ${refused} refused, and ${lost} neither: ${perSecond.toFixed(0)} a second of ${peakPerSecond.toFixed(0)}`,
  ];
}
