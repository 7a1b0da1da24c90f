/**
 * What `nest generate` makes with the packed kit in an application of `npm create fledge`: it is built, linted and
 * verified, and its tests pass in one process and over NATS.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, step } from './steps.mjs';

const PAGE = 'libs/kit/docs/guides/modules.md';
/** What that page says only in words: `query` instead of `command`, `process` instead of `consumer`. */
const ALSO = ['query pricing/get-price', 'process pricing/review stock.stock-taken'];

/** @param {string} app its folder, installed @param {NodeJS.ProcessEnv} env */
export async function tryGenerators(app, env) {
  const before = testsOf(app);
  await step('npm install @nestjs/cli', () =>
    run('npm', ['install', '--save-dev', '--loglevel=error', '@nestjs/cli@12'], app, env),
  );
  for (const args of [...documented(), ...ALSO])
    await step(`nest g -c @fledge/kit ${args}`, () =>
      run('npx', ['nest', 'g', '-c', '@fledge/kit', ...args.split(' ')], app, env),
    );
  const made = testsOf(app).filter((name) => !before.includes(name));
  // `nest g` ends with 0 also where it fails
  if (made.length < ALSO.length + documented().length)
    throw new Error(`only these tests were made: ${made.join(', ')}`);
  await step('the build of what was generated', () => run('npm', ['run', '--silent', 'build'], app, env));
  await step('its lint', () => run('npm', ['run', '--silent', 'lint'], app, env));
  await step('its fledge verify', () => run('npm', ['run', '--silent', 'fledge', '--', 'verify'], app, env));
  await step(`its tests: ${made.join(', ')}`, () =>
    run(process.execPath, ['--test', ...made.map((name) => `dist/test/${name}.js`)], app, env),
  );
}

/** The commands of the page, without what all begin with. */
function documented() {
  const found = [...readFileSync(PAGE, 'utf8').matchAll(/`nest g -c @fledge\/kit ([^`]+)`/g)].map(([, args]) => args);
  const kinds = found.map((args) => args.split(' ', 1)[0]).join();
  if (kinds !== 'module,command,event,consumer') throw new Error(`${PAGE} has commands of other kinds: ${kinds}`);
  return found;
}

/** @returns the names of the test files of an application, without `.ts` */
function testsOf(app) {
  return readdirSync(join(app, 'test'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}
