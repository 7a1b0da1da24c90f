/**
 * What `pnpm create fledge` makes, as a package of a workspace in which a package sees only what itself asks for: it is
 * installed, linted, verified and tested.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, step } from './steps.mjs';

const SETTINGS = 'pnpm-workspace.yaml';

/** @param {string} root an empty folder @param {NodeJS.ProcessEnv} env with pnpm on its PATH */
export async function tryPnpm(root, env) {
  const apps = join(root, 'pnpm/apps');
  const app = join(apps, 'my-app');
  mkdirSync(apps, { recursive: true });
  writeFileSync(join(apps, '../package.json'), '{ "name": "workspace", "private": true }\n');
  // what the starter says to pnpm where it is no part of a workspace
  const ofStarter = readFileSync(join('apps/create/template', SETTINGS), 'utf8');
  writeFileSync(join(apps, '..', SETTINGS), `packages: ['apps/*']\nhoist: false\n${ofStarter}`);
  await step('pnpm create fledge my-app', () => run('pnpm', ['create', 'fledge', 'my-app'], apps, env));
  if (existsSync(join(app, SETTINGS))) throw new Error(`${app} is a workspace in a workspace`);
  await step('pnpm install', () => run('pnpm', ['install', '--reporter=silent'], app, env));
  await step('pnpm run lint', () => run('pnpm', ['run', '--silent', 'lint'], app, env));
  await step('a rule that needs TypeScript', () => lintsCycles(app, env));
  await step('pnpm run fledge verify', () => run('pnpm', ['run', '--silent', 'fledge', 'verify'], app, env));
  await step('pnpm test', () => run('pnpm', ['test'], app, env));
}

/** The starter does without this rule of the plugin. */
function lintsCycles(app, env) {
  copyFileSync(join(app, 'eslint.config.mjs'), join(app, 'cycles.config.mjs'));
  const file = join(app, 'cycles.config.mjs');
  const text = readFileSync(file, 'utf8');
  const other = text.replace('fledge/module-boundaries', 'fledge/no-import-cycles');
  if (other === text) throw new Error('the starter has no rule to put another one in the place of');
  writeFileSync(file, other);
  return run('pnpm', ['exec', 'eslint', '--config', 'cycles.config.mjs', '--max-warnings', '0', 'src'], app, env);
}
