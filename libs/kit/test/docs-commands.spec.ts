import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { blocksOf, PAGES } from './documentation.js';

const FIXTURE = resolve('libs/kit/test/command-lines.fixture.mjs');
const SHOP = 'dist/apps/shop/src/main.js';
// Addresses where nothing listens: the command line and topology are read before a database or broker is contacted.
const NOWHERE = { DATABASE_URL: 'postgres://127.0.0.1:1/none', NATS_URL: 'nats://127.0.0.1:1', NODE_OPTIONS: '' };
/**
 * Values for `<time>` and for options that take a value; any other placeholder is a name, for which any text will do.
 */
const SAMPLES: Readonly<Record<string, string>> = {
  id: '00000000-0000-4000-8000-000000000000',
  time: '2h',
  until: '1h',
  limit: '5',
  topology: 'monolith',
  file: 'config/monolith.yaml',
};
const FLAGS_WITH_VALUES = [
  'module',
  'consumer',
  'name',
  'limit',
  'until',
  'since',
  'against',
  'topology',
  'service-user',
  'database-url',
  'keys',
  'again',
];
/** How a line of text begins that is a command which this test checks. */
const OURS = /^(?:[A-Z_]+=\S+ )*(?:fledge|npm|pnpm|npx|node|\.ci\/run)(?: |$)/;
/** The name of a command alone: text that mentions it need not give its other arguments. */
const MENTION = /^fledge(?= [a-z-]+( [a-z]+)?$)/;
/** The programs whose command lines are checked by running them. */
const READ = ['fledge', 'bench', 'test:faults', 'test:outside'];

interface Command {
  readonly page: string;
  readonly place: string;
  readonly line: string;
}

/** What is wrong with a command; `ask` leaves that to a program that reads command lines. */
type Verdict = { readonly problem: string } | { readonly ask: readonly string[] } | undefined;

const wrong = (problem: string): Verdict => ({ problem });
const onlyIf = (isRight: boolean, problem: string): Verdict => (isRight ? undefined : { problem });
const isThere = (path: string): Verdict => onlyIf(existsSync(path), `there is no ${path}`);

// The commands on the pages.

function commandsOf(page: string): Command[] {
  const inBlocks = blocksOf(page)
    .filter(({ language, mark }) => language === 'sh' && !mark)
    .flatMap(({ code, place }) => linesOf(code).map((line) => ({ page, place, line })));
  const text = readFileSync(page, 'utf8').replace(/^```[^]*?^```$/gm, (block) => block.replace(/[^\n]/g, ''));
  const inText = text
    .split('\n')
    .flatMap((line, i) => inlineOf(line).map((command) => ({ page, place: `${page}:${i + 1}`, line: command })));
  return [...inBlocks, ...inText];
}

/** The commands of a shell block; one for each option that a comment beside it names. */
function linesOf(code: string): string[] {
  return code
    .replace(/\\\n\s*/g, '')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [command = '', comment = ''] = line.split(/\s+#\s*/);
      const options = [...comment.matchAll(/(--[\w-]+)(?: ([\w-]+(?:\|[\w-]+)+))?/g)].flatMap(([, flag = '', words]) =>
        words === undefined ? [withValue(flag)] : words.split('|').map((word) => `${flag} ${word}`),
      );
      const base = command.trim();
      return [base, ...(base.startsWith('fledge') ? options.map((option) => `${base} ${option}`) : [])];
    });
}

/** The commands in a line of text; an option on its own belongs to the command before it. */
function inlineOf(line: string): string[] {
  const found: string[] = [];
  for (const [, before = '', code = ''] of line.matchAll(/([^`]*)`([^`]+)`/g)) {
    const last = found.at(-1);
    if (OURS.test(code)) found.push(filled(code));
    else if (last === undefined || !code.startsWith('--')) continue;
    else if (code.startsWith('-- ')) found.push(`${(found[0] ?? '').replace(/ -- .*/, '')} ${filled(code)}`);
    else {
      const base = (before === ' or ' ? last.replace(/ \S+$/, '') : last).replace(/^mention /, 'fledge ');
      const dashes = base.startsWith('npm') && !base.includes(' -- ') ? ' --' : '';
      found.push(`${base}${dashes} ${code.includes(' ') ? filled(code) : withValue(code)}`);
    }
  }
  return found;
}

const filled = (code: string): string =>
  code
    .replace(MENTION, 'mention')
    .replace(/[[\]…]/g, '')
    .replace(/<(\w+)>/g, (_, name: string) => SAMPLES[name] ?? name)
    .trim();

function withValue(flag: string): string {
  const name = flag.slice(2);
  return FLAGS_WITH_VALUES.includes(name) ? `${flag} ${SAMPLES[name] ?? name}` : flag;
}

// What the commands may contain.

interface Manifest {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly [dependencies: string]: unknown;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
const MANIFESTS = ['.', 'libs/kit', 'libs/nats', 'apps/cli', 'apps/create', 'apps/create/template'].map(manifestOf);

/** The version ranges in which our packages depend on one. */
function rangesOf(name: string): string[] {
  return MANIFESTS.flatMap((manifest) =>
    ['dependencies', 'devDependencies', 'peerDependencies'].flatMap(
      (kind) => (manifest[kind] as Record<string, string> | undefined)?.[name] ?? [],
    ),
  );
}

function npm(words: readonly string[], page: string): Verdict {
  const [verb = '', ...rest] = words.filter((word) => word !== '--silent');
  if (['ci', 'pack', 'prune', 'dedupe'].includes(verb)) return undefined;
  if (verb === 'ls') return onlyIf(rest.every(isPackage), `nothing of ours asks for ${rest.join(', ')}`);
  if (verb === 'create') return onlyIf(MANIFESTS[4]?.name === `create-${rest[0]}`, `nothing makes ${rest[0]}`);
  if (verb === 'install') {
    const unknown = rest.filter((word) => word !== '--save-dev' && !isPackage(word));
    return onlyIf(unknown.length === 0, `nothing of ours asks for ${unknown.join(', ')}`);
  }
  const [script = '', ...args] = verb === 'run' ? rest : [verb, ...rest];
  const folder = page.includes('template') ? dirname(page) : '.';
  const scripts = { ...manifestOf(folder).scripts };
  if (!(script in scripts)) return wrong(`${folder} has no script '${script}'`);
  if (args.length > 0 && args[0] !== '--') return wrong(`npm takes '${args[0]}' for itself`);
  return ofScript(script, args.slice(1), folder);
}

function isPackage(word: string): boolean {
  const [, name = '', major] = /^(@?[^@]+)(?:@(\d+))?$/.exec(word) ?? [];
  if (MANIFESTS.some((manifest) => manifest.name === name)) return major === undefined;
  return rangesOf(name).some((range) => major === undefined || new RegExp(`\\^${major}\\.`).test(range));
}

/** Whether the program that a script starts accepts these arguments. */
function ofScript(script: string, args: readonly string[], folder: string): Verdict {
  if (script === 'fledge') return topologyOf(args, folder);
  if (script === 'start' || script === 'dev') return topologyOf(['start', ...args], folder);
  if (READ.includes(script)) return { ask: [script, ...args] };
  if (script === 'test') return args.map(isThere).find((verdict) => verdict !== undefined);
  return onlyIf(args.length === 0, `${script} takes no arguments`);
}

/** Checks that a topology of ours exists, and that the command accepts it. */
function topologyOf(args: readonly string[], folder: string): Verdict {
  const [verb, ...rest] = args;
  const name = rest.find((arg) => !arg.startsWith('-')) ?? 'monolith';
  const file = /[/.]/.test(name) ? name : `config/${name}.yaml`;
  if (['start', 'topology'].includes(verb ?? '') && !existsSync(join(folder, file)) && !made.has(file))
    return wrong(`there is no ${file}`);
  return { ask: ['fledge', ...args] };
}

/** Files that a page has told the reader to create. */
const made = new Set<string>();

function node([file = '', ...args]: readonly string[]): Verdict {
  if (!existsSync(file)) return wrong(`${file} is not built`);
  if (file === SHOP) return ended([...args, ...(args.includes('--topology') ? ['--check'] : [])]);
  const source = readFileSync(file, 'utf8');
  const unknown = args.filter((arg) => arg.startsWith('--') && !new RegExp(`\\b'?${arg.slice(2)}'?:`).test(source));
  return onlyIf(unknown.length === 0, `${file} does not take ${unknown.join(', ')}`);
}

/** Runs the built shop. */
function ended(args: readonly string[]): Verdict {
  const { status, stderr } = spawnSync(process.execPath, [SHOP, ...args], {
    env: { ...process.env, ...NOWHERE },
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return onlyIf(status === 0, `ended with ${status}: ${stderr}`);
}

/** Programs by name, as pages call them. */
const PROGRAMS: Readonly<Record<string, (args: readonly string[], page: string) => Verdict>> = {
  fledge: (args) => ({ ask: ['fledge', ...args] }),
  mention: (args) => ({ ask: ['mention', ...args] }),
  npm,
  pnpm: npm,
  npx: ([name = '', ...paths]) =>
    name === 'fledge'
      ? { ask: ['fledge', ...paths] }
      : [join('node_modules/.bin', name), ...paths].map(isThere).find(Boolean),
  node,
  '.ci/run': () => isThere('.ci/run'),
  cd: ([folder = '']) => onlyIf(folder === 'my-app', `nothing makes ${folder}`),
  cp: ([from = '', to = '']) => {
    made.add(to);
    return isThere(from);
  },
};

function verdictOf({ line, page }: Command): Verdict {
  for (const part of line.replace(/^alias \w+='(.*)'$/, '$1').split(' && ')) {
    const [name = '', ...args] = part.split(' ').filter((word) => !/^[A-Z_]+=/.test(word));
    const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
    if (!program) return wrong(`no test knows '${name}': mark the block with what runs it`);
    const verdict = program(args, page);
    if (verdict) return verdict;
  }
  return undefined;
}

describe('a command of the documentation', () => {
  const commands = PAGES.flatMap(commandsOf);
  const problems = new Map<Command, string>();

  beforeAll(() => {
    const verdicts = commands.map((command) => [command, verdictOf(command)] as const);
    const asked = verdicts.flatMap(([command, verdict]) => (verdict && 'ask' in verdict ? [{ command, verdict }] : []));
    const elsewhere = mkdtempSync(join(tmpdir(), 'fledge-docs-'));
    const answers = JSON.parse(
      execFileSync(process.execPath, [FIXTURE, JSON.stringify(asked.map(({ verdict }) => verdict.ask))], {
        cwd: elsewhere,
        env: { ...process.env, ...NOWHERE },
        encoding: 'utf8',
        timeout: 60_000,
      }),
    ) as (string | null)[];
    rmSync(elsewhere, { recursive: true });
    asked.forEach(({ command }, i) => answers[i] != null && problems.set(command, answers[i]));
    for (const [command, verdict] of verdicts)
      if (verdict && 'problem' in verdict) problems.set(command, verdict.problem);
  });

  it.each([...new Set(commands.map(({ page }) => page))])('is accepted by its program, in %s', (page) => {
    expect(
      [...problems]
        .filter(([one]) => one.page === page)
        .map(([{ place, line }, problem]) => `${place}: ${line}: ${problem}`),
    ).toEqual([]);
  });

  it('sets only environment variables that something reads', () => {
    const named = PAGES.flatMap((page) => readFileSync(page, 'utf8').match(/\bFLEDGE_[A-Z_]+\b/g) ?? []);
    const code = execFileSync('git', ['grep', '-ohE', '\\bFLEDGE_[A-Z_]+\\b', '--', '*.ts', '*.mjs', '*.yaml'], {
      encoding: 'utf8',
    });
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !code.split('\n').includes(name))).toEqual([]);
  });
});

describe('a topology file of the documentation', () => {
  const blocks = PAGES.flatMap(blocksOf).filter(({ language, mark }) => language === 'yaml' && !mark);

  it.each(blocks.map(({ place, code }) => [place, code] as const))('is accepted by the shop: %s', (_, code) => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'fledge-docs-'));
    const file = join(elsewhere, 'topology.yaml');
    try {
      writeFileSync(file, code.startsWith('services:') ? inSplit(code) : code);
      expect(ended(['--topology', file, '--check'])).toBeUndefined();
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});

/** Replaces the services of `config/split.yaml`. */
function inSplit(services: string): string {
  const whole = readFileSync('config/split.yaml', 'utf8').replace(/^services:\n(?: .*\n)+/m, services);
  expect(whole).toContain(services);
  return whole;
}
