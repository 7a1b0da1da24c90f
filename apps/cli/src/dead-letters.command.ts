import {
  abandonDeadLetter,
  type DeadLetter,
  type DeadLetterSummary,
  everyDeadLetter,
  listDeadLetters,
  NoDeadLetter,
  resendDeadLetters,
  showDeadLetter,
  type Sql,
} from '@fledge/kit/operator';
import { usageError } from './command.js';
import { type Database, withDatabase } from './operate/database.js';
import { checkConsumer } from './operate/names.js';
import { NothingThere } from './operate/operate-errors.js';
import { ago, counted, facts, indented, json, table } from './operate/print.js';
import { type Line, limitOf, messageId, runVerb, type Verb, wordOf } from './operate/verbs.js';

const LIST =
  'fledge dead-letters list [--module <module>] [--consumer <consumer>] [--state dead|resent|abandoned] [--limit <rows>] [--json]';
const SHOW = 'fledge dead-letters show <module> <consumer> <id> [--json]';
const RESEND = 'fledge dead-letters resend <module> <consumer> <id> | --all [--json]';
const ABANDON = 'fledge dead-letters abandon <module> <consumer> <id> | --all [--json]';
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 999;

const VERBS: Readonly<Record<string, Verb>> = {
  list: {
    usage: LIST,
    words: [0],
    options: { module: 'text', consumer: 'text', state: 'text', limit: 'text', json: 'flag' },
    run: list,
  },
  show: { usage: SHOW, words: [3], options: { json: 'flag' }, run: show },
  resend: {
    usage: RESEND,
    words: [2, 3],
    options: { all: 'flag', json: 'flag' },
    run: (line) => settle(line, RESEND, 'resent', resend),
  },
  abandon: {
    usage: ABANDON,
    words: [2, 3],
    options: { all: 'flag', json: 'flag' },
    run: (line) => settle(line, ABANDON, 'abandoned', abandon),
  },
};

/** `fledge dead-letters list|show|resend|abandon`: manages messages that are no longer retried automatically. */
export function deadLetters(args: readonly string[]): Promise<number> {
  return runVerb('dead-letters', VERBS, args);
}

interface Listed extends DeadLetterSummary {
  readonly module: string;
}

async function list(line: Line): Promise<number> {
  const state = wordOf(line, 'state', ['dead', 'resent', 'abandoned'], LIST) ?? 'dead';
  const limit = limitOf(line, LIST, LIMIT_MAX, LIMIT_DEFAULT);
  const letters = await withDatabase((database) =>
    collect(database, line.text('module'), line.text('consumer'), (sql, consumer) =>
      listDeadLetters(sql, { consumer, state, limit: limit + 1 }),
    ),
  );
  const shown = letters.toSorted((a, b) => b.diedAt.localeCompare(a.diedAt)).slice(0, limit);
  if (line.has('json')) process.stdout.write(json(shown));
  else
    process.stdout.write(
      `${shown.length > 0 ? listed(shown) : ''}${counted(shown.length, 'dead letter')}${state === 'dead' ? '' : ` that ${shown.length === 1 ? 'is' : 'are'} ${state}`}${letters.length > limit ? `, and more: see --limit` : ''}\n`,
    );
  return 0;
}

/** From one module or all; with a consumer, from the modules that have it. */
async function collect(
  database: Database,
  module: string | undefined,
  consumer: string | undefined,
  work: (sql: Sql, consumer: string | undefined) => Promise<readonly DeadLetterSummary[]>,
): Promise<Listed[]> {
  if (module !== undefined && consumer !== undefined)
    await database.in(module, (sql) => checkConsumer(sql, module, consumer));
  const found: Listed[] = [];
  for (const name of module === undefined ? database.modules : [module]) {
    found.push(
      ...(await database.in(name, async (sql) =>
        (await work(sql, consumer)).map((letter) => ({ module: name, ...letter })),
      )),
    );
  }
  return found;
}

function listed(letters: readonly Listed[]): string {
  return table(letters, [
    { head: 'module', cell: ({ module }) => module },
    { head: 'consumer', cell: ({ consumer }) => consumer },
    { head: 'id', cell: ({ messageId: id }) => id },
    { head: 'message', cell: ({ name }) => name },
    { head: 'key', cell: ({ key }) => key },
    { head: 'tries', cell: ({ attempts }) => String(attempts), isNumber: true },
    { head: 'died', cell: ({ diedAt }) => ago(diedAt) },
    { head: 'reason', cell: ({ reason }) => reason },
  ]);
}

async function show(line: Line): Promise<number> {
  const [module, consumer, id] = line.words as [string, string, string];
  const wanted = messageId(id, SHOW);
  const letter = await withDatabase((database) =>
    database.in(module, async (sql) => {
      await checkConsumer(sql, module, consumer);
      return showDeadLetter(sql, consumer, wanted);
    }),
  );
  if (!letter)
    throw new NothingThere(
      `${consumer} has no dead letter ${wanted}`,
      `See those that there are: fledge dead-letters list --module ${module} --consumer ${consumer}`,
    );
  process.stdout.write(line.has('json') ? json({ module, ...letter }) : told(module, letter));
  return 0;
}

function told(module: string, letter: DeadLetter): string {
  const head = facts([
    ['module', module],
    ['consumer', letter.consumer],
    ['id', letter.messageId],
    ['message', `${letter.name} of ${letter.source}`],
    ['key', letter.key],
    ['published', letter.occurredAt],
    ['died', `${letter.diedAt}, ${ago(letter.diedAt)}`],
    ['reason', letter.reason],
    ['state', letter.state],
  ]);
  const tries = letter.history.map(
    ({ attempt, at, code, message, stack }) => `try ${attempt}  ${at}  ${code}\n${indented(stack ?? message)}\n`,
  );
  return `${head}payload\n${indented(pretty(letter.payload))}\n${tries.join('')}`;
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2);
  } catch {
    // invalid JSON may be the reason why it is dead: show it as it is
    return payload;
  }
}

async function settle(
  line: Line,
  usage: string,
  what: 'resent' | 'abandoned',
  work: (sql: Sql, consumer: string, ids: readonly string[]) => Promise<number>,
): Promise<number> {
  const [module, consumer, id] = line.words as [string, string, string | undefined];
  if ((id === undefined) !== line.has('all')) throw usageError(usage, 'it takes one id, or --all');
  const wanted = id === undefined ? undefined : messageId(id, usage);
  const count = await withDatabase((database) =>
    database.in(module, async (sql) => {
      await checkConsumer(sql, module, consumer);
      let settled = 0;
      for await (const ids of wanted === undefined ? everyDeadLetter(sql, consumer) : [[wanted]])
        settled += await work(sql, consumer, ids);
      return settled;
    }),
  );
  if (count === 0 && wanted !== undefined) throw new NoDeadLetter(consumer, wanted);
  const then =
    what === 'resent'
      ? `${consumer} of ${module} handles ${count === 1 ? 'it' : 'them'} again`
      : `${consumer} of ${module} goes on without ${count === 1 ? 'it' : 'them'}`;
  process.stdout.write(
    line.has('json')
      ? json({ [what]: count })
      : `${counted(count, 'dead letter')} ${what}${count === 0 ? '' : `: ${then}`}\n`,
  );
  return 0;
}

function resend(sql: Sql, consumer: string, ids: readonly string[]): Promise<number> {
  return resendDeadLetters(sql, consumer, ids);
}

async function abandon(sql: Sql, consumer: string, ids: readonly string[]): Promise<number> {
  let abandoned = 0;
  for (const id of ids) {
    try {
      await abandonDeadLetter(sql, consumer, id);
      abandoned += 1;
    } catch (error) {
      // somebody else settled it in the meantime
      if (!(error instanceof NoDeadLetter)) throw error;
    }
  }
  return abandoned;
}
