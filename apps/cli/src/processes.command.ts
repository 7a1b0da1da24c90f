import { listRuns, resumeRun, type RunDetails, type RunSummary, showRun } from '@fledge/kit/operator';
import { withDatabase } from './operate/database.js';
import { checkConsumer } from './operate/names.js';
import { NothingThere } from './operate/operate-errors.js';
import { ago, counted, facts, indented, json, oneLine, table } from './operate/print.js';
import { type Line, limitOf, runVerb, type Verb, wordOf } from './operate/verbs.js';

const LIST =
  'fledge processes list [--module <module>] [--name <process>] [--status running|failed|finished] [--limit <rows>] [--json]';
const SHOW = 'fledge processes show <module> <process> <key> [--json]';
const RESUME = 'fledge processes resume <module> <process> <key> [--json]';
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 999;

const VERBS: Readonly<Record<string, Verb>> = {
  list: {
    usage: LIST,
    words: [0],
    options: { module: 'text', name: 'text', status: 'text', limit: 'text', json: 'flag' },
    run: list,
  },
  show: { usage: SHOW, words: [3], options: { json: 'flag' }, run: show },
  resume: { usage: RESUME, words: [3], options: { json: 'flag' }, run: resume },
};

/** `fledge processes list|show|resume`: manages the runs of processes. */
export function processes(args: readonly string[]): Promise<number> {
  return runVerb('processes', VERBS, args);
}

interface Listed extends RunSummary {
  readonly module: string;
}

async function list(line: Line): Promise<number> {
  const status = wordOf(line, 'status', ['running', 'failed', 'finished'], LIST);
  const limit = limitOf(line, LIST, LIMIT_MAX, LIMIT_DEFAULT);
  const [module, name] = [line.text('module'), line.text('name')];
  const runs = await withDatabase(async (database) => {
    if (module !== undefined && name !== undefined)
      await database.in(module, (sql) => checkConsumer(sql, module, name));
    const found: Listed[] = [];
    for (const each of module === undefined ? database.modules : [module]) {
      found.push(
        ...(await database.in(each, (sql) => listRuns(sql, { name, status, limit: limit + 1 }))).map((run) => ({
          module: each,
          ...run,
        })),
      );
    }
    return found;
  });
  const shown = runs.toSorted((a, b) => b.changedAt.localeCompare(a.changedAt)).slice(0, limit);
  if (line.has('json')) process.stdout.write(json(shown));
  else
    process.stdout.write(
      `${shown.length > 0 ? listed(shown) : ''}${counted(shown.length, 'run')}${status ? ` ${status}` : ''}${runs.length > limit ? ', and more: see --limit' : ''}\n`,
    );
  return 0;
}

function listed(runs: readonly Listed[]): string {
  return table(runs, [
    { head: 'module', cell: ({ module }) => module },
    { head: 'process', cell: ({ name }) => name },
    { head: 'key', cell: ({ key }) => key },
    { head: 'status', cell: ({ status }) => status },
    { head: 'outcome', cell: ({ outcome }) => outcome ?? '-' },
    { head: 'started', cell: ({ startedAt }) => ago(startedAt) },
    { head: 'changed', cell: ({ changedAt }) => ago(changedAt) },
  ]);
}

async function show(line: Line): Promise<number> {
  const [module, name, key] = line.words as [string, string, string];
  const run = await withDatabase((database) =>
    database.in(module, async (sql) => {
      await checkConsumer(sql, module, name);
      return showRun(sql, name, key);
    }),
  );
  if (!run)
    throw new NothingThere(
      `${name} has no run '${key}'`,
      `See those that there are: fledge processes list --module ${module} --name ${name}`,
    );
  process.stdout.write(line.has('json') ? json({ module, ...run }) : told(module, run));
  return 0;
}

function told(module: string, run: RunDetails): string {
  const head = facts([
    ['module', module],
    ['process', run.name],
    ['key', run.key],
    ['status', run.status],
    ['outcome', run.outcome],
    ['started', run.startedAt],
    ['changed', `${run.changedAt}, ${ago(run.changedAt)}`],
    ['finished', run.finishedAt],
    ...run.timers.map((timer) => ['timer', `${timer.name}, due ${timer.dueAt ?? 'now'}`] as const),
  ]);
  const history = run.history
    .map(({ at, what, detail }) => `  ${at}  ${what.padEnd(15)}  ${oneLine(detail)}\n`)
    .join('');
  return `${head}state\n${indented(JSON.stringify(run.state, undefined, 2))}\nhistory\n${history}`;
}

async function resume(line: Line): Promise<number> {
  const [module, name, key] = line.words as [string, string, string];
  const resent = await withDatabase((database) =>
    database.in(module, async (sql) => {
      await checkConsumer(sql, module, name);
      return resumeRun(sql, name, key);
    }),
  );
  process.stdout.write(
    line.has('json')
      ? json({ resent })
      : `${name} '${key}' of ${module} goes on: ${counted(resent, 'message')} sent to it again\n`,
  );
  return 0;
}
