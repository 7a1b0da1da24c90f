import { Logger } from '@nestjs/common';
import { StartupError } from '../contract/index.js';
import {
  listMigrations,
  type MigrationState,
  type ModuleMigrations,
  revertMigration,
  runMigrations,
  schemaChanges,
} from '../data/index.js';
import { keepsData, migrationsOf } from '../messaging/index.js';
import type { Application } from './application.js';
import { loadModule } from './load-modules.js';
import { QuietLogger } from './quiet-logger.js';

/** The arguments of an application that migrates; the options of `fledge migration`. */
export const MIGRATION_OPTIONS = {
  migration: { type: 'string' },
  module: { type: 'string', multiple: true },
  fake: { type: 'boolean' },
  'service-user': { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Those arguments, as they were given. */
export interface MigrationValues {
  readonly migration?: string;
  readonly module?: readonly string[];
  readonly fake?: boolean;
  readonly 'service-user'?: string;
  readonly json?: boolean;
}

/** A database to migrate. */
export interface MigrationDatabase {
  /** Where a module's data is; `undefined` if nothing says so. */
  urlOf(module: string): string | undefined;
  close(): Promise<void>;
}

type Work = (modules: readonly ModuleMigrations[], values: MigrationValues) => Promise<void>;

const VERBS: Readonly<Record<string, Work>> = { run, revert, show, changes };

/**
 * Runs, reverts or lists the migrations of modules, or prints what their entities say and their schema does not.
 * Without a named module it is for all that keep data. @throws StartupError
 */
export async function migrateApplication(
  application: Application,
  values: MigrationValues,
  open: () => Promise<MigrationDatabase>,
): Promise<void> {
  const { migration = '', module: names } = values;
  const work = Object.hasOwn(VERBS, migration) ? VERBS[migration] : undefined;
  if (!work)
    throw new StartupError(
      'migration-verb',
      `--migration is run, revert, show or changes, but got '${migration}'`,
      'Correct it, or use the command: fledge migration --help.',
    );
  if (names === undefined && (values.fake || ONE.has(work)))
    throw new StartupError(
      'migration-module',
      `--migration ${migration}${values.fake ? ' --fake' : ''} is for named modules`,
      'Name them: --module <module>.',
    );
  // the output is for a program
  Logger.overrideLogger(values.json || work === changes ? false : new MigrationLogger());
  const specs = [];
  for (const name of new Set(names ?? application.modules.map(({ contract }) => contract.name))) {
    const { spec } = await loadModule(application, name);
    if (keepsData(spec)) specs.push(spec);
    else if (names !== undefined)
      throw new StartupError(
        'migration-no-data',
        `${name} keeps no data: it has no entities, migrations or events`,
        'Name its `entities` in @BoundedModule, or leave it out.',
        { module: name },
      );
  }
  const database = await open();
  try {
    await work(
      specs.map((spec) => migrationsOf(spec, urlFor(spec.contract.name, database))),
      values,
    );
  } finally {
    await database.close();
  }
}

function urlFor(module: string, database: MigrationDatabase): string {
  const url = database.urlOf(module);
  if (url !== undefined) return url;
  throw new StartupError(
    'migration-database',
    `nothing says where the database of ${module} is`,
    'Name it with --database-url or FLEDGE_MIGRATION_DATABASE_URL, or in the topology.',
    { module },
  );
}

/** Keeps what migrations themselves log; what TypeORM says of each is in the result. */
class MigrationLogger extends QuietLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (!String(rest.at(-1)).startsWith('data:')) super.log(message, ...rest);
  }
}

/** What changes one thing, or prints it, takes one module. */
const ONE = new Set<Work>([revert, changes]);

async function run(modules: readonly ModuleMigrations[], values: MigrationValues): Promise<void> {
  const { fake = false, json, 'service-user': serviceUser } = values;
  const ran: Record<string, readonly string[]> = {};
  for (const module of modules) {
    ran[module.module] = await runMigrations(module, { fake, serviceUser });
    if (!json) print(`${module.module}: ${done(module, ran[module.module] ?? [], fake)}`);
  }
  if (json) print(JSON.stringify({ ran }));
  else if (serviceUser !== undefined)
    print(`${serviceUser} may read and write the rows of ${modules.map(({ module }) => module).join(', ')}`);
}

function done({ kitNames }: ModuleMigrations, names: readonly string[], fake: boolean): string {
  if (names.length === 0) return 'nothing to do';
  const recorded = fake ? names.filter((name) => !kitNames.has(name)) : [];
  const ran = names.filter((name) => !recorded.includes(name));
  return [
    ...(ran.length > 0 ? [`applied ${ran.join(', ')}`] : []),
    ...(recorded.length > 0 ? [`recorded ${recorded.join(', ')} as done, without running it`] : []),
  ].join('; ');
}

async function revert(modules: readonly ModuleMigrations[], { json }: MigrationValues): Promise<void> {
  for (const module of modules) {
    const reverted = await revertMigration(module);
    print(json ? JSON.stringify({ module: module.module, reverted }) : `${module.module}: reverted ${reverted}`);
  }
}

async function show(modules: readonly ModuleMigrations[], { json }: MigrationValues): Promise<void> {
  const rows: (MigrationState & { readonly module: string })[] = [];
  for (const module of modules)
    rows.push(...(await listMigrations(module)).map((state) => ({ module: module.module, ...state })));
  if (json) return print(JSON.stringify(rows));
  const cells = [
    ['MODULE', 'MIGRATION', 'BY', 'STATE'],
    ...rows.map(({ module, name, by, state }) => [module, name, by, WORDS[state]]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells)
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

const WORDS = { applied: 'applied', pending: 'pending', unknown: 'applied, not in this build' } as const;

async function changes(modules: readonly ModuleMigrations[]): Promise<void> {
  for (const module of modules) {
    const known = module.migrations.map((Migration) => Migration.name);
    print(JSON.stringify({ ...(await schemaChanges(module)), known }));
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
