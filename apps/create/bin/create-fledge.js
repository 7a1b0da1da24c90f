#!/usr/bin/env node
/** Copies the template into a new folder. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

const USAGE = 'Usage: npm create fledge <folder>';
/** Files that npm would not publish, or that ESLint would take for ours, under their real names. */
const RENAMED = { gitignore: '.gitignore', dockerignore: '.dockerignore', 'eslint-config.mjs': 'eslint.config.mjs' };
const PNPM_WORKSPACE = 'pnpm-workspace.yaml';

const [given, ...rest] = process.argv.slice(2);
if (given === undefined || given.startsWith('-') || rest.length > 0)
  fail(given === undefined ? 'no folder is named' : `'${[given, ...rest].join(' ')}' is not one folder`, USAGE);

const folder = resolve(given);
const name = basename(folder);
if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
  fail(
    `'${name}' is not a valid name for an application`,
    'Use at most 40 lower-case letters, digits and hyphens, starting with a letter',
  );
if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0))
  fail(`${folder} exists and is not an empty folder`, 'Name a new folder');

try {
  cpSync(new URL('../template/', import.meta.url), folder, { recursive: true });
} catch (error) {
  fail(`${folder} cannot be written: ${error.message}`, 'Name a folder that this account may create');
}
// in a workspace of pnpm, its own file counts, and another one would be the end of it
if (isInWorkspace(dirname(folder))) rmSync(join(folder, PNPM_WORKSPACE));
for (const [from, to] of Object.entries(RENAMED)) renameSync(join(folder, from), join(folder, to));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
for (const file of ['package.json', 'README.md', 'src/application.ts', 'config/monolith.yaml', 'config/split.yaml']) {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8').replaceAll('{{name}}', name).replaceAll('{{version}}', version);
  // comments of the template's README are for whoever tests it
  writeFileSync(path, text.replace(/^<!-- .* -->\n/gm, ''));
}
const manager = process.env.npm_config_user_agent?.startsWith('pnpm') ? 'pnpm' : 'npm';
process.stdout.write(
  `${name} is in ${folder}. Now:\n\n  cd ${/^[\w./-]+$/.test(given) ? given : JSON.stringify(given)}\n  ${manager} install\n  ${manager} start\n`,
);

function isInWorkspace(around) {
  if (existsSync(join(around, PNPM_WORKSPACE))) return true;
  return dirname(around) !== around && isInWorkspace(dirname(around));
}

function fail(fact, cure) {
  process.stderr.write(`create-fledge: ${fact}. ${cure}.\n`);
  process.exit(2);
}
