import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type ts from 'typescript';
import { StartupError } from '../contract/index.js';
import type { Compiler } from './file-facts.js';
import { loadCompiler, readSources } from './verify-workspace.js';

/** A migration to write into the sources of a module. */
export interface NewMigration {
  readonly module: string;
  /** What it does, as in `AddPages`. Default: `Create` or `Change` and the module's name. */
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
  /** Whether the list there names it now; it does not where `migrations` is no plain list. */
  readonly isListed: boolean;
}

/**
 * Writes a migration beside the module's other ones, or else beside its `@BoundedModule`, and names it there.
 * @throws StartupError when the module is not found in the sources, or these have a migration that the build has not.
 */
export async function writeMigration(root: string, migration: NewMigration): Promise<WrittenMigration> {
  const compiler = await loadCompiler(root);
  const path = await boundedFile(root, migration.module);
  const text = readFileSync(path, 'utf8');
  const source = compiler.createSourceFile(path, text, compiler.ScriptTarget.Latest, true);
  const options = optionsIn(compiler, source);
  const listed = options && propertyOf(compiler, options, 'migrations');
  const names = listed && compiler.isArrayLiteralExpression(listed) ? listed.elements.map((e) => e.getText()) : [];
  refuseUnbuilt(migration, names);
  const purpose = migration.name ?? `${names.length === 0 ? 'Create' : 'Change'}${pascal(migration.module)}`;
  const className = `${pascal(purpose)}${migration.timestamp}`;
  const { folder, file } = placeOf(compiler, source, names, kebab(purpose), migration.timestamp);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), migrationText(className, migration));
  const specifier = `${slashed(relative(dirname(path), join(folder, file.replace(/\.ts$/, ''))))}${endingOf(compiler, source)}`;
  const changed = options && withMigration(compiler, source, options, listed, className);
  if (changed !== undefined)
    writeFileSync(
      path,
      withImport(compiler, source, changed, className, specifier.startsWith('.') ? specifier : `./${specifier}`),
    );
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
  const last = importsOf(compiler, source).find(({ bindings }) => bindings.includes(names.at(-1) ?? ''))?.specifier;
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

/** The object in `@BoundedModule({ … })`. */
function optionsIn(compiler: Compiler, source: ts.SourceFile): ts.ObjectLiteralExpression | undefined {
  let found: ts.ObjectLiteralExpression | undefined;
  const visit = (node: ts.Node): void => {
    if (compiler.isCallExpression(node) && /(?:^|\.)BoundedModule$/.test(node.expression.getText(source))) {
      const [options] = node.arguments;
      if (options && compiler.isObjectLiteralExpression(options)) found ??= options;
    }
    compiler.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function propertyOf(compiler: Compiler, options: ts.ObjectLiteralExpression, key: string): ts.Node | undefined {
  const property = options.properties.find((candidate) => candidate.name?.getText() === key);
  return property && compiler.isPropertyAssignment(property) ? property.initializer : property;
}

/** An insertion of text. */
interface Edit {
  readonly at: number;
  readonly text: string;
}

/** Where the name goes into the list; undefined if there is none to extend. */
function withMigration(
  compiler: Compiler,
  source: ts.SourceFile,
  options: ts.ObjectLiteralExpression,
  listed: ts.Node | undefined,
  className: string,
): Edit | undefined {
  if (listed === undefined) {
    const after = ['entities', 'uses', 'contract']
      .map((key) => options.properties.find((property) => property.name?.getText() === key))
      .find((property) => property !== undefined);
    return after && { at: after.end, text: `,${gap(source, after)}migrations: [${className}]` };
  }
  if (!compiler.isArrayLiteralExpression(listed)) return undefined;
  const last = listed.elements.at(-1);
  return last ? { at: last.end, text: `,${gap(source, last)}${className}` } : { at: listed.end - 1, text: className };
}

/** What stands before a node: a space, or a line break with the indentation. */
function gap(source: ts.SourceFile, node: ts.Node): string {
  return /\n[ \t]*$/.exec(source.text.slice(0, node.getStart(source)))?.[0] ?? ' ';
}

/** Adds the import in the order of the others, and makes the other change, which comes after it. */
function withImport(
  compiler: Compiler,
  source: ts.SourceFile,
  edit: Edit,
  className: string,
  specifier: string,
): string {
  const statement = `import { ${className} } from '${specifier}';\n`;
  const { text } = source;
  const imports = importsOf(compiler, source);
  const next = imports.find((one) => one.specifier.startsWith('./') && one.specifier > specifier);
  const at = next?.start ?? (imports.at(-1)?.end ?? -1) + 1;
  return `${text.slice(0, at)}${statement}${text.slice(at, edit.at)}${edit.text}${text.slice(edit.at)}`;
}

interface Import {
  readonly specifier: string;
  readonly bindings: readonly string[];
  readonly start: number;
  readonly end: number;
}

function importsOf(compiler: Compiler, source: ts.SourceFile): readonly Import[] {
  return source.statements.filter(compiler.isImportDeclaration).map((node) => {
    const named = node.importClause?.namedBindings;
    return {
      specifier: (node.moduleSpecifier as ts.StringLiteral).text,
      bindings: named && compiler.isNamedImports(named) ? named.elements.map(({ name }) => name.text) : [],
      start: node.getStart(source),
      end: node.end,
    };
  });
}

/** How relative imports of a file end: not at all in CommonJS. */
function endingOf(compiler: Compiler, source: ts.SourceFile): string {
  const near = importsOf(compiler, source).filter(({ specifier }) => specifier.startsWith('.'));
  return near.length > 0 && near.every(({ specifier }) => !specifier.endsWith('.js')) ? '' : '.js';
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
