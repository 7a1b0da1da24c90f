import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually } from '@fledge/kit/testing';

// built: it is loaded before the application, by Node itself
const WATCHED = pathToFileURL(join(process.cwd(), 'dist/apps/cli/src/start/watch/watched-process.js')).href;
const WITHIN_MS = 20_000;
/** What stays there and loads what it is told. */
const STAY = "process.on('message', (later) => require(later));\n";
const COMMONJS = {
  'main.js': `require('./a');\n${STAY}`,
  'a.js': "require('./deep/b');\nrequire('heavy');\n",
  'deep/b.js': "exports.b = 'b';\n",
  'later.js': "exports.later = 'later';\n",
  'node_modules/heavy/index.js': "require('./part');\n",
  'node_modules/heavy/part.js': 'exports.part = 1;\n',
};

let folder: string;
let child: ChildProcess;
let files: Set<string>;
let packages: Set<string>;

function start(sources: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  child = fork(join(folder, 'main.js'), { execArgv: ['--import', WATCHED], env: { ...process.env, NODE_OPTIONS: '' } });
  child.on('message', ({ fledgeLoaded }: { fledgeLoaded: Record<'files' | 'packages', string[]> }) => {
    for (const file of fledgeLoaded.files) files.add(file);
    for (const url of fledgeLoaded.packages) packages.add(url);
  });
}

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'fledge-watched-')));
  files = new Set();
  packages = new Set();
});
afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  rmSync(folder, { recursive: true, force: true });
});

const named = (...paths: string[]): Set<string> => new Set(paths.map((path) => join(folder, path)));

describe('a watched process', () => {
  it('tells which files a CommonJS application requires, at its start and later, and which packages', async () => {
    start(COMMONJS);
    await eventually(() => expect(files).toEqual(named('main.js', 'a.js', 'deep/b.js')), 'they are told', WITHIN_MS);
    child.send('./later.js');
    await eventually(() => expect(files).toContain(join(folder, 'later.js')), 'the later one is told', WITHIN_MS);
    // only what the application itself requires: the rest comes with it
    const heavy = pathToFileURL(join(folder, 'node_modules/heavy/index.js')).href;
    await eventually(() => expect(packages).toEqual(new Set([heavy])), 'the package is told', WITHIN_MS);
  });

  it('tells what it required just before it ended', async () => {
    start({ ...COMMONJS, 'main.js': "require('./a');\nprocess.exit(1);\n" });
    await eventually(() => expect(files).toEqual(named('main.js', 'a.js', 'deep/b.js')), 'they are told', WITHIN_MS);
  });

  it('tells which files an application of ES modules imports', async () => {
    start({
      'package.json': '{ "type": "module" }',
      'main.js': "import './a.js';\nprocess.on('message', () => undefined);\n",
      'a.js': "import './b.cjs';\n",
      'b.cjs': "require('./c.cjs');\n",
      'c.cjs': 'exports.c = 1;\n',
    });
    await eventually(
      () => expect(files).toEqual(named('main.js', 'a.js', 'b.cjs', 'c.cjs')),
      'they are told',
      WITHIN_MS,
    );
  });
});
