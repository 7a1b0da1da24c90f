import { StartupError } from '@fledge/kit/operations';
import { askApplication } from './ask-application.js';
import { usageError } from './command.js';
import { type Line, runVerb, type Verb } from './operate/verbs.js';
import { findProject, type Project, topologyFile } from './project.js';
import { rootAround } from './workspace-root.js';

const ON = '[--topology <topology>] [--database-url <url>]';
const GENERATE = `fledge migration generate <module> [--name <name>] ${ON}`;
const RUN = `fledge migration run [<module> …] [--service-user <user>] [--fake] [--json] ${ON}`;
const REVERT = `fledge migration revert <module> [--json] ${ON}`;
const SHOW = `fledge migration show [<module> …] [--json] ${ON}`;
const WHERE = { topology: 'text', 'database-url': 'text' } as const;
/** The name of a class. */
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,79}$/;

const VERBS: Readonly<Record<string, Verb>> = {
  generate: { usage: GENERATE, words: [1], options: { name: 'text', ...WHERE }, run: generate },
  run: {
    usage: RUN,
    words: 'any',
    options: { 'service-user': 'text', fake: 'flag', json: 'flag', ...WHERE },
    run: runThem,
  },
  revert: { usage: REVERT, words: [1], options: { json: 'flag', ...WHERE }, run: (line) => forward(line, 'revert') },
  show: { usage: SHOW, words: 'any', options: { json: 'flag', ...WHERE }, run: (line) => forward(line, 'show') },
};

/**
 * `fledge migration generate|run|revert|show`: writes, runs, reverts or lists the migrations of modules. The built
 * application, which knows its modules, does the work. The database is that of `--database-url`, of
 * `FLEDGE_MIGRATION_DATABASE_URL`, or of the topology, else the embedded PostgreSQL of the project.
 */
export function migration(args: readonly string[]): Promise<number> {
  return runVerb('migration', VERBS, args);
}

function runThem(line: Line): Promise<number> {
  if (line.has('fake') && line.words.length === 0)
    throw usageError(RUN, '--fake records the migrations of named modules as done, but none is named');
  return forward(line, 'run');
}

/** Runs the application for a subcommand, and prints its output. */
async function forward(line: Line, verb: string): Promise<number> {
  await ask(findProject(), line, verb, (text) => process.stdout.write(text));
  return 0;
}

interface Changes {
  readonly up: readonly string[];
  readonly down: readonly string[];
  readonly known: readonly string[];
}

/** Writes the difference between the entities of the build and the schema as a migration. */
async function generate(line: Line): Promise<number> {
  const [module] = line.words as [string];
  const name = line.text('name');
  if (name !== undefined && !NAME.test(name))
    throw usageError(GENERATE, `--name is letters, digits and hyphens, as in AddPages, but got '${name}'`);
  const project = findProject();
  let said = '';
  await ask(project, line, 'changes', (text) => (said += text));
  const { up, down, known } = JSON.parse(said.trim().split('\n').at(-1) ?? '') as Changes;
  if (up.length === 0) {
    process.stdout.write(
      `${module}: the schema is what the entities say, so there is nothing to write. If you changed one, build first.\n`,
    );
    return 0;
  }
  const { writeMigration } = await import('@fledge/kit/verify');
  const root = rootAround(project.root);
  const written = await writeMigration(root, { module, name, timestamp: Date.now(), up, down, built: known });
  process.stdout.write(
    [
      written.isListed
        ? `${module}: wrote ${written.file}, and named it in ${written.listFile}`
        : `${module}: wrote ${written.file}; add ${written.className} to the migrations of @BoundedModule in ${written.listFile}`,
      ...up.map((statement) => `  ${statement}`),
      ...(up.some((statement) => /\bDROP\b/.test(statement))
        ? ['It drops what no entity names. Read it first: TypeORM renames nothing, it drops and adds.']
        : []),
      `Build, and run it: fledge migration run ${module}`,
      '',
    ].join('\n'),
  );
  return 0;
}

/** Runs the application for its migrations. @throws StartupError with its own words. */
async function ask(project: Project, line: Line, verb: string, told: (text: string) => void): Promise<void> {
  const url = line.text('database-url') ?? process.env.FLEDGE_MIGRATION_DATABASE_URL;
  const user = line.text('service-user');
  const refusal = await askApplication(project, {
    args: [
      ...['--migration', verb],
      ...(url ? [] : ['--topology', topologyFile(project, line.text('topology'))]),
      ...line.words.flatMap((module) => ['--module', module]),
      ...(user === undefined ? [] : ['--service-user', user]),
      ...['fake', 'json'].filter((flag) => line.has(flag)).map((flag) => `--${flag}`),
    ],
    ...(url && { env: { FLEDGE_MIGRATION_DATABASE_URL: url } }),
    told,
  });
  if (refusal) throw new StartupError('migration', refusal.fact, refusal.cure);
}
