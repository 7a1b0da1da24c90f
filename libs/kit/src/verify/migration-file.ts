import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type ts from 'typescript';
import { addToOptions, importsOf, listedIn } from '#lint/options-list.js';
import { StartupError } from '../contract/index.js';
import type { Compiler } from './file-facts.js';
import { loadCompiler, readSources } from './verify-workspace.js';

/** A migration to write into the sources of a module. */
export interface NewMigration {
  readonly module: string;
  /** Its name, as in `AddPages`. Default: `Create` or `Change` and the module's name. */
  readonly name?: string;
  /** Milliseconds; the class's name ends with it, and TypeORM runs migrations in its order. */
  readonly timestamp: number;
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** The names of the migrations that the build has. */
  readonly built: readonly string[];
}

/** What was written, relative to the root. */
export interface WrittenMigration {
  readonly className: string;
  readonly file: string;
  /** The file with the module's `@BoundedModule`. */
  readonly listFile: string;
  /** Whether it is now in the list there; it is not if `migrations` is not a plain list. */
  readonly isListed: boolean;
}

/**
 * Writes a migration beside the module's other migrations, or else beside its `@BoundedModule`, and lists it there.
 * @throws StartupError when the module is not in the sources, or the sources have a migration that is not in the build.
 */
export async function writeMigration(root: string, migration: NewMigration): Promise<WrittenMigration> {
  const compiler = await loadCompiler(root);
  const path = await boundedFile(root, migration.module);
  const text = readFileSync(path, 'utf8');
  const source = compiler.createSourceFile(path, text, compiler.ScriptTarget.Latest, true);
  const names = listedIn(compiler, source, 'BoundedModule', 'migrations');
  refuseUnbuilt(migration, names ?? []);
  const purpose = migration.name ?? `${names?.length === 0 ? 'Create' : 'Change'}${pascal(migration.module)}`;
  const className = `${pascal(purpose)}${migration.timestamp}`;
  const { folder, file } = placeOf(compiler, source, names ?? [], kebab(purpose), migration.timestamp);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), migrationText(className, migration));
  const near = slashed(relative(dirname(path), join(folder, file.replace(/\.ts$/, ''))));
  const changed = addToOptions(compiler, path, text, {
    of: 'BoundedModule',
    key: 'migrations',
    after: ['entities', 'uses', 'contract'],
    element: className,
    imports: { name: className, from: near.startsWith('.') ? near : `./${near}` },
  });
  if (changed !== undefined) writeFileSync(path, changed);
  const base = resolve(root);
  return {
    className,
    file: slashed(relative(base, join(folder, file))),
    listFile: slashed(relative(base, path)),
    isListed: changed !== undefined,
  };
}

async function boundedFile(root: string, name: string): Promise<string> {
  const workspace = await readSources(root);
  const found = workspace.modules
    .find(({ module }) => module === name)
    ?.sources.find(({ area, bounded }) => area === 'src' && bounded.length > 0);
  if (found) return resolve(root, found.path);
  throw new StartupError(
    'module-source',
    `the sources in ${root} have no @BoundedModule for '${name}'`,
    'Run this in the folder of the workspace or of the application that has them.',
    { module: name },
  );
}

/** Otherwise the same changes would be written again. */
function refuseUnbuilt({ module, built }: NewMigration, names: readonly string[]): void {
  const newer = names.filter((name) => /\d{13}$/.test(name) && !built.includes(name));
  if (newer.length === 0) return;
  throw new StartupError(
    'migration-unbuilt',
    `the sources of ${module} have a migration that the build has not: ${newer.join(', ')}`,
    `Build, and run it: fledge migration run ${module}.`,
    { module, newer },
  );
}

/** Beside the last migration and named like it, or beside the module. */
function placeOf(
  compiler: Compiler,
  source: ts.SourceFile,
  names: readonly string[],
  purpose: string,
  timestamp: number,
): { folder: string; file: string } {
  const here = dirname(source.fileName);
  const last = importsOf(compiler, source).find(({ names: bound }) => bound.includes(names.at(-1) ?? ''))?.specifier;
  const isNear = last?.startsWith('.') === true;
  const folder = isNear ? dirname(join(here, last)) : here;
  if (isNear && /^\d+-/.test(basename(last))) return { folder, file: `${timestamp}-${purpose}.ts` };
  const file = `${purpose}.migration.ts`;
  return { folder, file: existsSync(join(folder, file)) ? `${purpose}-${timestamp}.migration.ts` : file };
}

function migrationText(className: string, { up, down }: NewMigration): string {
  const queries = (statements: readonly string[]): string =>
    statements.map((text) => `    await runner.query(\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\`);\n`).join('');
  return `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${className} implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
${queries(up)}  }

  async down(runner: QueryRunner): Promise<void> {
${queries(down)}  }
}
`;
}

function pascal(text: string): string {
  return text.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_, first: string) => first.toUpperCase());
}

function kebab(text: string): string {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
}

function slashed(path: string): string {
  return path.split(sep).join('/');
}
