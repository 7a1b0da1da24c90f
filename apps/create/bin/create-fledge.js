#!/usr/bin/env node
/** Copies the template into a new folder. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

const USAGE = 'Usage: npm create fledge <folder>';
/** Files that npm would not publish, or that ESLint would take for ours, under their real names. */
const RENAMED = { gitignore: '.gitignore', dockerignore: '.dockerignore', 'eslint-config.mjs': 'eslint.config.mjs' };

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
for (const [from, to] of Object.entries(RENAMED)) renameSync(join(folder, from), join(folder, to));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
for (const file of ['package.json', 'README.md', 'src/application.ts', 'config/monolith.yaml', 'config/split.yaml']) {
  const path = join(folder, file);
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('{{name}}', name).replaceAll('{{version}}', version));
}
process.stdout.write(
  `${name} is in ${folder}. Now:\n\n  cd ${/^[\w./-]+$/.test(given) ? given : JSON.stringify(given)}\n  npm install\n  npm start\n`,
);

function fail(fact, cure) {
  process.stderr.write(`create-fledge: ${fact}. ${cure}.\n`);
  process.exit(2);
}
