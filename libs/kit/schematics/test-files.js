/** The tests that are generated: for the test runner that the application has, in every topology. */
import { posix } from 'node:path';
import { near, packageAround } from './place.js';

/** The runner of an application: those with `it` as a global, or Node's own. */
function runnerOf(tree, folder) {
  const manifests = [posix.join(folder, 'package.json'), '/package.json'].filter((file) => tree.exists(file));
  const packages = manifests
    .map((file) => tree.readJson(file))
    .flatMap(({ dependencies, devDependencies }) => [
      ...Object.keys(dependencies ?? {}),
      ...Object.keys(devDependencies ?? {}),
    ]);
  return packages.find((name) => name === 'vitest' || name === 'jest') ?? 'node';
}

/**
 * Writes a test beside the application's other ones, and once what runs it in every topology.
 * @param {import('@angular-devkit/schematics').Tree} tree
 * @param {{ list: string, name: string, ending: string, imports: (from: string) => readonly string[], body: string }} test
 */
export function writeTest(tree, { list, name, ending, imports, body }) {
  const root = packageAround(tree, list);
  const runner = runnerOf(tree, root);
  const folder = posix.join(root, 'test');
  const frame = posix.join(folder, 'in-every-topology.ts');
  if (!tree.exists(frame)) tree.create(frame, frameText(tree, frame, list, runner, ending));
  const file = posix.join(folder, `${name}${runner === 'node' ? '' : '.spec'}.ts`);
  const lines = [...imports(file), `import { inEveryTopology } from './in-every-topology${ending}';`];
  tree.create(file, `${sorted(lines).join('\n')}\n\n${body}`);
}

/** Packages first, then files, each by its name. */
function sorted(lines) {
  const from = (line) => /from '(.*)'/.exec(line)[1];
  const rank = (name) => (name.startsWith('node:') ? 0 : name.startsWith('../') ? 2 : name.startsWith('.') ? 3 : 1);
  return [...lines].sort((a, b) => rank(from(a)) - rank(from(b)) || from(a).localeCompare(from(b)));
}

function frameText(tree, file, list, runner, ending) {
  const [, application] = /export const (\w+)\s*:\s*Application\b/.exec(tree.readText(list));
  const test = {
    node: {
      imports: "import { after, test } from 'node:test';\n",
      run: '  test(title, { timeout: LIMIT_MS }, work);',
      after: 'after',
    },
    jest: { imports: '', run: '  it(title, work, LIMIT_MS);', after: 'afterAll' },
    vitest: {
      imports: "import { afterAll, it } from 'vitest';\n",
      run: '  it(title, work, LIMIT_MS);',
      after: 'afterAll',
    },
  }[runner];
  return `import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
${test.imports}import { startNatsServer, type TestNatsServer } from '@fledge/cli/servers';
import { type Application, BoundedModule, Host, LocalTransport } from '@fledge/kit';
import { defineContract } from '@fledge/kit/contract';
import { freshDatabase } from '@fledge/kit/testing';
import { NatsTransport } from '@fledge/nats';
import type { INestApplication } from '@nestjs/common';
import { ${application} } from '${near(file, list)}${ending}';

const LIMIT_MS = 120_000;
const CallerContract = defineContract({ name: 'test-caller' });

/** May call every module, as another module would. */
@BoundedModule({ contract: CallerContract, uses: ${application}.modules.map(({ contract }) => contract) })
class Caller {}

const tested: Application = {
  ...${application},
  modules: [...${application}.modules, { contract: CallerContract, load: () => Promise.resolve(Caller) }],
};

/** The application while a test runs. */
export interface Running {
  /** The Nest application of a module. */
  module(name: string): INestApplication;
  /** Calls other modules: \`caller.get(CommandBus).execute(…)\`. */
  readonly caller: INestApplication;
  /** Sends an HTTP request to the process of a module. */
  fetch(module: string, path: string, init?: RequestInit): Promise<Response>;
}

/** Runs a test with all modules in one process, and with each in a host of its own, over NATS. */
export function inEveryTopology(title: string, work: (app: Running) => Promise<void>): void {
  const names = tested.modules.map(({ contract }) => contract.name);
  run(\`\${title}, in one process\`, () => running([names], () => Promise.resolve(new LocalTransport()), work));
  run(\`\${title}, over NATS\`, () => {
    const namespace = \`test-\${randomBytes(6).toString('hex')}\`;
    const transport = async (): Promise<NatsTransport> => new NatsTransport({ url: await natsUrl(), namespace });
    return running(names.map((name) => [name]), transport, work);
  });
}

function run(title: string, work: () => Promise<void>): void {
${test.run}
}

async function running(
  services: readonly (readonly string[])[],
  transport: () => Promise<LocalTransport | NatsTransport>,
  work: (app: Running) => Promise<void>,
): Promise<void> {
  const database = await freshDatabase();
  const hosts: Host[] = [];
  try {
    for (const modules of services)
      hosts.push(new Host({ application: tested, modules, transport: await transport(), database, http: { port: 0 } }));
    await Promise.all(hosts.map((host) => host.start()));
    const hostOf = (name: string): Host => hosts[services.findIndex((modules) => modules.includes(name))] as Host;
    await work({
      module: (name) => hostOf(name).module(name),
      caller: hostOf(CallerContract.name).module(CallerContract.name),
      fetch: (module, path, init) => fetch(\`http://127.0.0.1:\${hostOf(module).port}\${path}\`, init),
    });
  } finally {
    await Promise.all(hosts.map((host) => host.close()));
    await database.drop();
  }
}

let own: { readonly server: TestNatsServer; readonly store: string } | undefined;

/** The server of FLEDGE_TEST_NATS_URL, or one for these tests. */
async function natsUrl(): Promise<string> {
  if (process.env.FLEDGE_TEST_NATS_URL) return process.env.FLEDGE_TEST_NATS_URL;
  if (own === undefined) {
    const store = await mkdtemp(join(tmpdir(), 'test-nats-'));
    own = { server: await startNatsServer({ store }), store };
  }
  return own.server.url;
}

${test.after}(async () => {
  await own?.server.stop();
  if (own) await rm(own.store, { recursive: true, force: true });
});
`;
}
