import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemGraph } from '@fledge/kit';
import { startNatsServer, type TestNatsServer } from '@fledge/cli/servers';
import { operateNats, type SystemGraph } from '@fledge/nats';
import { publications, subscriptions, tryAll } from './permission-matrix.js';
import { shop as application } from '../src/modules.js';
import { buyersJourney } from './journeys/buyers-journey.js';
import { Shop } from './journeys/shop.js';
import { MODULES, startGroups } from './started-shop.js';

const MAIN = fileURLToPath(new URL('../../../dist/apps/shop/src/main.js', import.meta.url));
const SPLIT = fileURLToPath(new URL('../../../config/split.yaml', import.meta.url));
const POOL_MAX = 4;

describe('the shop on a broker with generated permissions', () => {
  const namespace = `shop${randomBytes(5).toString('hex')}`;
  let folder: string;
  let broker: TestNatsServer | undefined;

  const environment = (natsUrl: string): Record<string, string> => ({
    FLEDGE_NAMESPACE: namespace,
    NATS_URL: natsUrl,
    NATS_PROVISIONED: 'true',
  });
  /** Does what `fledge nats <verb>` does. */
  const operate = async (verb: string, natsUrl = ''): Promise<string> => {
    const args = [MAIN, '--nats', verb, '--topology', SPLIT, '--keys', folder];
    const env = { ...process.env, ...environment(natsUrl) };
    return (await promisify(execFile)(process.execPath, args, { env })).stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fledge-shop-keys-'));
    await operate('keys');
    // a client of a busy machine may be slow to log in
    const config = `authorization: { timeout: 60 }\n${await operate('config')}`;
    broker = await startNatsServer({ config, store: join(folder, 'store'), quickPings: false });
    await operate('provision', broker.url);
  }, 120_000);
  afterAll(async () => {
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('takes a buyer through, each module as a service that may do what its contracts say', async () => {
    const groups = MODULES.map((name) => [name]);
    const seeds = new Map(await Promise.all(MODULES.map(async (name) => [name, await seedOf(folder, name)] as const)));
    const { url: natsUrl } = broker as TestNatsServer;
    const started = await startGroups(groups, {
      poolMax: POOL_MAX,
      natsUrl,
      nats: ([service = '']) => ({
        namespace,
        service,
        isProvisioned: true,
        credentials: { seed: seeds.get(service) ?? '' },
      }),
    });
    try {
      await buyersJourney(new Shop(started.url));
    } finally {
      await started.stop();
    }
  }, 300_000);

  it('has exactly the edges of its contracts as permissions, of every service and for every subject', async () => {
    const graph = await systemGraph(application, {
      namespace,
      services: MODULES.map((name) => ({ name, modules: [name] })),
      nats: { clients: {} },
    });
    const names = (module: string): readonly string[] =>
      application.modules
        .filter(({ contract }) => contract.name === module)
        .flatMap(({ contract }) => [...contract.messages, ...contract.events].map(({ name }) => name));
    const attempts = { publish: publications(graph, names), subscribe: subscriptions(graph) };
    for (const user of [...MODULES, '_operator']) {
      const found = await tryAll((broker as TestNatsServer).url, user, await seedOf(folder, user), attempts);
      expect(found).toEqual([]);
    }
  }, 120_000);
});

/** Two modules share a service, one calls in a chain, and one neither calls nor is called. */
const small: SystemGraph = {
  namespace: 'cafe',
  services: [
    { name: 'front', modules: ['till'] },
    { name: 'back', modules: ['kitchen', 'pantry'] },
    { name: 'alone', modules: ['diary'] },
  ],
  uses: { till: ['kitchen'], kitchen: ['pantry'], pantry: [], diary: [] },
  clients: { reporting: ['pantry', 'till'], idle: [] },
};

describe('a small application on a broker with generated permissions', () => {
  let folder: string;
  let broker: TestNatsServer | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fledge-keys-'));
  });
  afterEach(async () => {
    await broker?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('has exactly the edges of its contracts as permissions, of every user and for every subject', async () => {
    await operateNats('keys', small, NO_SETTINGS, folder);
    const accounts = await operateNats('config', small, NO_SETTINGS, folder);
    const config = `authorization: { timeout: 60 }\n${accounts}`;
    broker = await startNatsServer({ config, store: join(folder, 'store'), quickPings: false });
    const names = (module: string): readonly string[] => [`${module}.do-it.v1`, `${module}.done.v2`];
    const attempts = { publish: publications(small, names), subscribe: subscriptions(small) };
    const users = ['front', 'back', 'alone', 'reporting', 'idle', '_operator'];
    for (const user of users) expect(await tryAll(broker.url, user, await seedOf(folder, user), attempts)).toEqual([]);
    // the rules themselves must allow something to each, and deny most
    for (const user of users.filter((name) => name !== 'idle'))
      expect(attempts.publish.filter(({ isFor }) => isFor(user)).length).toBeGreaterThan(4);
    expect(attempts.publish.filter(({ isFor }) => users.some(isFor)).length).toBeLessThan(attempts.publish.length / 2);
  }, 120_000);
});

const NO_SETTINGS: Parameters<typeof operateNats>[2] = {
  servers: [],
  maxAgeMs: 60_000,
  duplicateWindowMs: 1_000,
  replicas: undefined,
  maxBytes: undefined,
  maxMessageBytes: undefined,
  seed: undefined,
  seedFile: undefined,
  clients: {},
  isProvisioned: true,
  tls: undefined,
};

async function seedOf(folder: string, user: string): Promise<string> {
  return (await readFile(join(folder, `${user}.nk`), 'utf8')).trim();
}
