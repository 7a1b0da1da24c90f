import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DevelopmentCertificates,
  developmentCertificates,
  natsServerTls,
  startNatsServer,
  type TestNatsServer,
} from '@fledge/cli/servers';
import { type EmbeddedPostgres, startEmbeddedPostgres, withDatabaseTls } from '@fledge/kit/operations';
import pg from 'pg';
import { Agent, fetch as fetchBy } from 'undici';
import { buyersJourney } from './journeys/buyers-journey.js';
import { checkRefusals } from './journeys/refusals.js';
import { normalised, Shop } from './journeys/shop.js';
import { MODULES, startGroups, type StartOptions } from './started-shop.js';

const POOL_MAX = 4;

let folder: string;
let certificates: DevelopmentCertificates;
let postgres: EmbeddedPostgres;
let broker: TestNatsServer;
let agent: Agent;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-shop-tls-'));
  certificates = await developmentCertificates(join(folder, 'certs'));
  const dir = mkdtempSync(join(tmpdir(), 'fledge-shop-tls-postgres-'));
  [postgres, broker] = await Promise.all([
    startEmbeddedPostgres({ dir, persistent: false, tls: certificates.server }),
    startNatsServer({ store: join(folder, 'nats'), config: natsServerTls(certificates) }),
  ]);
  agent = new Agent({ connect: { ca: readFileSync(certificates.ca, 'utf8') } });
});

afterAll(async () => {
  await agent.close();
  await broker.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The journey and all refusals, as a transcript in which only what happened counts. */
async function transcriptOf(
  groups: readonly (readonly string[])[],
  secure?: StartOptions['secure'],
  whileUp: () => Promise<void> = () => Promise.resolve(),
): Promise<string[]> {
  const started = await startGroups(groups, { poolMax: POOL_MAX, secure });
  const trusting = ((input: string, init: object) =>
    fetchBy(input, { ...init, dispatcher: agent })) as unknown as typeof fetch;
  try {
    const shop = new Shop(started.url, secure ? trusting : fetch);
    await buyersJourney(shop);
    const buyer = await shop.newBuyer('refused@journey.test');
    expect(await checkRefusals(shop, buyer)).toEqual([]);
    await whileUp();
    return normalised(shop.transcript);
  } finally {
    await started.stop();
  }
}

async function connectionsWithoutTls(): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query(
      "select application_name, ssl from pg_stat_activity join pg_stat_ssl using (pid) where application_name like 'fledge:%'",
    );
    expect(rows.length).toBeGreaterThan(MODULES.length);
    return rows.filter(({ ssl }: { ssl: boolean }) => !ssl) as unknown[];
  } finally {
    await client.end();
  }
}

describe('the shop, each module a service, with TLS for the broker, the database, the services and the front door', () => {
  it('answers as in one process without', async () => {
    const secure = {
      databaseUrl: withDatabaseTls(postgres.url, { ca: certificates.ca }),
      nats: { url: `tls://127.0.0.1:${broker.port}`, tls: { ca: certificates.ca, ...certificates.client } },
      http: certificates.server,
    };
    const split = MODULES.map((module) => [module]);
    const transcript = await transcriptOf(split, secure, async () => {
      expect(await connectionsWithoutTls()).toEqual([]);
    });
    expect(transcript).toEqual(await transcriptOf([MODULES]));
  });
});
