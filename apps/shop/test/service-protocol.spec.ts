import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { freshDatabase, type FreshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { shop } from '../src/modules.js';
import { ServiceProcess } from './service-process.js';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

let database: FreshDatabase;
let service: ServiceProcess | undefined;
let client: NatsConnection;

beforeEach(async () => {
  database = await freshDatabase();
  client = await connect({ servers: testNatsUrl() });
});

afterEach(async () => {
  await service?.kill();
  await client.close();
  await database.drop();
});

// `nats micro ls` showed 0.0.0 for every module.
it('tells who asks the broker which version of a module runs', async () => {
  const namespace = `micro${randomBytes(5).toString('hex')}`;
  service = await ServiceProcess.start('split', 'catalog', {
    databaseUrl: database.url,
    natsUrl: testNatsUrl(),
    namespace,
  });
  const answers: unknown[] = [];
  for await (const answer of await client.requestMany('$SRV.PING.catalog', '', { maxWait: 1_000 }))
    answers.push(answer.json());
  expect(answers).toContainEqual(
    expect.objectContaining({ name: 'catalog', version, metadata: expect.objectContaining({ namespace }) as unknown }),
  );
});

// In a rolling deployment, code that sends an optional field more was refused by all that did not know it yet.
it('answers a caller of a newer version, which sends a field more', async () => {
  const namespace = `newer${randomBytes(5).toString('hex')}`;
  service = await ServiceProcess.start('split', 'catalog', {
    databaseUrl: database.url,
    natsUrl: testNatsUrl(),
    namespace,
  });
  const answer = await client.request(
    `${namespace}.catalog.list-products.v1.inventory`,
    JSON.stringify({ limit: 1, added: { by: 'a newer version' } }),
    { noMux: true, reply: `_INBOX.${namespace}.inventory.newer.1`, timeout: 10_000 },
  );
  expect(answer.headers?.get('Nats-Service-Error') ?? '').toBe('');
  expect(answer.json()).toBeInstanceOf(Array);
  expect(
    shop.modules
      .flatMap(({ contract }) => [...contract.messages, ...contract.events])
      .filter(({ unknownFields }) => unknownFields !== 'open'),
  ).toEqual([]);
});
