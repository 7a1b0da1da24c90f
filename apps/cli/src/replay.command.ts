import { checkReplay, replay as replaySpan } from '@fledge/kit/operator';
import { usageError } from './command.js';
import { withDatabase } from './operate/database.js';
import { counted, json, table } from './operate/print.js';
import { parseLine } from './operate/verbs.js';

const USAGE = 'fledge replay --since <time> [--until <time>] [--module <module>] [--json]';
const GRAMMAR = {
  usage: USAGE,
  words: [0],
  options: { module: 'text', since: 'text', until: 'text', json: 'flag' },
} as const;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/**
 * Date and time, at least to the minute, with a time zone: without one it would mean different times on different
 * machines.
 */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * `fledge replay`: makes the relays send again what modules have published since a time, after a broker has lost it.
 */
export async function replay(args: readonly string[]): Promise<number> {
  const line = parseLine(GRAMMAR, args);
  const since = timeOf('since', line.text('since'));
  if (since === undefined) throw usageError(USAGE, '--since is required: it says from when on');
  const until = timeOf('until', line.text('until'));
  if (until !== undefined && until <= since) throw usageError(USAGE, '--until must be later than --since');
  const only = line.text('module');
  const marked = await withDatabase(async (database) => {
    const modules = only === undefined ? database.modules : [only];
    // all or nothing: half a replay would look like a complete one
    for (const module of modules) await database.in(module, (sql) => checkReplay(sql, module, { since, until }));
    const counts = [];
    for (const module of modules)
      counts.push({ module, messages: await database.in(module, (sql) => replaySpan(sql, module, { since, until })) });
    return counts;
  });
  process.stdout.write(line.has('json') ? json(marked) : told(marked));
  return 0;
}

function told(marked: readonly { readonly module: string; readonly messages: number }[]): string {
  const all = marked.reduce((sum, { messages }) => sum + messages, 0);
  const rows = table(marked, [
    { head: 'module', cell: ({ module }) => module },
    { head: 'messages', cell: ({ messages }) => String(messages), isNumber: true },
  ]);
  return `${rows}${counted(all, 'message')} marked unsent${all === 0 ? '' : ": the modules' relays send them again, and consumers ignore those that they have handled"}\n`;
}

/** A point in time, or how long ago it was: `2026-03-01T12:00Z`, `2h`. */
function timeOf(option: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const time =
    amount === undefined
      ? ISO_TIME.test(text)
        ? Date.parse(text)
        : NaN
      : Date.now() - Number(amount) * (UNIT_MS[unit] as number);
  if (!Number.isNaN(time) && Math.abs(time) < 8.64e15 && time > 0) return new Date(time);
  throw usageError(
    USAGE,
    `--${option} is a time as in 2026-03-01T12:00:00Z, or how long ago as in 30m, 2h or 1d, but got '${text}'`,
  );
}
