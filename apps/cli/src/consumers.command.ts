import { type ConsumerState, COUNT_MAX, forgetConsumer, type OutboxState, overview } from '@fledge/kit/operator';
import { withDatabase } from './operate/database.js';
import { json, span, table } from './operate/print.js';
import { checkConsumer } from './operate/names.js';
import { type Line, parseLine, runVerb, type Verb } from './operate/verbs.js';

const GRAMMAR = {
  usage: 'fledge consumers [--module <module>] [--json]',
  words: [0],
  options: { module: 'text', json: 'flag' },
} as const;

interface Found {
  readonly outboxes: readonly (OutboxState & { readonly module: string })[];
  readonly consumers: readonly (ConsumerState & { readonly module: string })[];
}

const FORGET = 'fledge consumers forget <module> <consumer> [--json]';
const VERBS: Readonly<Record<string, Verb>> = {
  forget: { usage: FORGET, words: [2], options: { json: 'flag' }, run: forget },
};

/** `fledge consumers [forget]`: the progress of consumers; or forgets one that the code no longer has. */
export function consumers(args: readonly string[]): Promise<number> {
  const [first] = args;
  return first === undefined || first.startsWith('-') ? look(args) : runVerb('consumers', VERBS, args);
}

async function forget(line: Line): Promise<number> {
  const [module, consumer] = line.words as [string, string];
  const deleted = await withDatabase((database) =>
    database.in(module, async (sql) => {
      await checkConsumer(sql, module, consumer);
      return forgetConsumer(sql, consumer);
    }),
  );
  process.stdout.write(
    line.has('json')
      ? json({ module, consumer, deleted })
      : `${consumer} of ${module} is forgotten, and ${deleted} messages that waited for it are deleted\n`,
  );
  return 0;
}

/** The progress of each module's consumers, and what its outbox still has to send. */
async function look(args: readonly string[]): Promise<number> {
  const line = parseLine(GRAMMAR, args);
  const only = line.text('module');
  const found = await withDatabase(async (database): Promise<Found> => {
    if (only !== undefined) database.checkModule(only);
    const all = [];
    for (const module of only === undefined ? database.modules : [only])
      all.push({ module, ...(await database.in(module, (sql) => overview(sql))) });
    return {
      outboxes: all.map(({ module, outbox }) => ({ module, ...outbox })),
      consumers: all.flatMap(({ module, consumers: states }) => states.map((state) => ({ module, ...state }))),
    };
  });
  process.stdout.write(line.has('json') ? json(found) : told(found));
  return 0;
}

function told({ outboxes, consumers: states }: Found): string {
  const sent = table(outboxes, [
    { head: 'outbox of', cell: ({ module }) => module },
    { head: 'unsent', cell: ({ unsent }) => bounded(unsent), isNumber: true },
    { head: 'oldest', cell: ({ oldestMs }) => span(oldestMs), isNumber: true },
  ]);
  const taken = table(states, [
    { head: 'module', cell: ({ module }) => module },
    { head: 'consumer', cell: ({ name }) => name },
    { head: 'waiting', cell: ({ waiting }) => bounded(waiting), isNumber: true },
    { head: 'oldest', cell: ({ oldestMs }) => span(oldestMs), isNumber: true },
    { head: 'lag', cell: ({ lagMs }) => span(lagMs), isNumber: true },
    { head: 'held keys', cell: ({ heldKeys }) => bounded(heldKeys), isNumber: true },
    { head: 'dead', cell: ({ dead }) => bounded(dead), isNumber: true },
    {
      head: 'failed runs',
      cell: ({ failedRuns }) => (failedRuns === null ? '-' : bounded(failedRuns)),
      isNumber: true,
    },
  ]);
  return `${sent}\n${states.length > 0 ? taken : 'No module has consumers.\n'}`;
}

function bounded(count: number): string {
  return count >= COUNT_MAX ? `${COUNT_MAX}+` : String(count);
}
