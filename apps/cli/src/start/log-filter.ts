import { stripVTControlCharacters } from 'node:util';

/** The levels of lines, from the least important to the most; as Nest names them. */
export const LEVELS = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof LEVELS)[number];

/** Other names of levels: those of pino, and of what writes JSON for collectors. */
const ALIASES: Readonly<Record<string, Level>> = { trace: 'verbose', info: 'log', warning: 'warn', critical: 'fatal' };
/** pino's numbers. */
const NUMBERS: readonly (readonly [from: number, level: Level])[] = [
  [60, 'fatal'],
  [50, 'error'],
  [40, 'warn'],
  [30, 'log'],
  [20, 'debug'],
];
/** `[Nest] 4711  - 11/30/2026, 4:39:16 PM     LOG [host] …` */
const NEST_LINE = /^\[[^\]]+\] \d+\s+- .*?\s(VERBOSE|DEBUG|LOG|WARN|ERROR|FATAL)\s/;
// a line that belongs to the one before: a stack, or an object over several lines
const CONTINUES = /^(?:\s|[}\])])/;

/** The level with a name; undefined if there is none. */
export function levelNamed(name: string): Level | undefined {
  const known = name.toLowerCase();
  return LEVELS.find((level) => level === known) ?? ALIASES[known];
}

/**
 * Tells for each line of a stream whether its level is `min` or higher. A line without a level has `usual`, or that of
 * the line before if it is indented.
 */
export function levelFilter(min: Level, usual: Level): (line: string) => boolean {
  let last = usual;
  return (line) => {
    last = levelOf(line) ?? (CONTINUES.test(line) ? last : usual);
    return LEVELS.indexOf(last) >= LEVELS.indexOf(min);
  };
}

function levelOf(coloured: string): Level | undefined {
  const line = stripVTControlCharacters(coloured);
  const [, nest] = NEST_LINE.exec(line) ?? [];
  if (nest !== undefined) return levelNamed(nest);
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, severity } = JSON.parse(line) as { level?: unknown; severity?: unknown };
    const given = level ?? severity;
    if (typeof given === 'number') return NUMBERS.find(([from]) => given >= from)?.[1] ?? 'verbose';
    return typeof given === 'string' ? levelNamed(given) : undefined;
  } catch {
    // a line that only looks like JSON
    return undefined;
  }
}
