import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevelopmentCertificates, developmentCertificates } from '@fledge/cli/servers';
import type { Client } from 'pg';
import { checkDatabaseTls, withDatabaseTls } from '../tls/index.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.js';
import { openModuleData } from './index.js';
import { withConnection } from './module-database.js';

let folder: string;
let good: DevelopmentCertificates;
const servers: EmbeddedPostgres[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-tls-'));
  good = await developmentCertificates(join(folder, 'certs'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function postgres(tls?: DevelopmentCertificates['server']): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'fledge-tls-postgres-'));
  const server = await startEmbeddedPostgres({ dir, persistent: false, tls });
  servers.push(server);
  return server.url;
}

const HOME = { module: 'a', schema: 'a', role: 'fledge_a' };

async function isEncrypted(client: Pick<Client, 'query'>): Promise<unknown> {
  const { rows } = await client.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  return rows[0]?.ssl;
}

describe('a database with TLS', () => {
  it('is reached over TLS by every connection of a module', async () => {
    const url = withDatabaseTls(await postgres(good.server), { ca: good.ca });
    expect(await withConnection(url, HOME, isEncrypted)).toBe(true);
    const source = await openModuleData({ module: 'a', url, entities: [], migrations: [] });
    try {
      const ofModule =
        "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'fledge:a%'";
      await source.query('select 1');
      const { rows } = await withConnection(url, { ...HOME, module: 'b' }, (client) => client.query(ofModule));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows).toEqual(rows.map(() => ({ ssl: true })));
    } finally {
      await source.destroy();
    }
  });

  it('is refused by a client that cannot verify it, which says what to do', async () => {
    const [expired, elsewhere] = await Promise.all([
      developmentCertificates(join(folder, 'expired'), { days: -1 }),
      developmentCertificates(join(folder, 'elsewhere'), { hosts: ['db.test'] }),
    ]);
    const refusal = async (server: string, ca: string): Promise<unknown> =>
      withConnection(withDatabaseTls(server, { ca }), HOME, isEncrypted).catch((error: unknown) => error);
    const place = (url: string): string => `PostgreSQL at ${new URL(url).host}/postgres`;

    const plain = await postgres();
    expect(await refusal(plain, good.ca)).toMatchObject({
      code: 'fledge.startup.tls-unsupported',
      message: `${place(plain)} does not take TLS connections, which database.tls requires`,
    });
    const trusted = await postgres(good.server);
    expect(await refusal(trusted, elsewhere.ca)).toMatchObject({
      code: 'fledge.startup.tls-untrusted',
      message: expect.stringContaining(`${place(trusted)} shows a certificate that no trusted authority has signed`),
      hint: 'Name the authority of its certificate in database.tls.ca.',
    });
    const late = await postgres(expired.server);
    expect(await refusal(late, expired.ca)).toMatchObject({ code: 'fledge.startup.tls-expired' });
    const named = await postgres(elsewhere.server);
    expect(await refusal(named, elsewhere.ca)).toMatchObject({
      code: 'fledge.startup.tls-name',
      message: expect.stringMatching(/shows a certificate for another name: .*127\.0\.0\.1/),
    });
  });

  it('needs files that can be used, which are checked before a connection is made', async () => {
    const expired = await developmentCertificates(join(folder, 'late'), { days: -1 });
    const url = 'postgres://u:secret@db.test/shop';
    expect(() => checkDatabaseTls(withDatabaseTls(url, { ca: join(folder, 'none.pem') }))).toThrow(
      `${join(folder, 'none.pem')} (database.tls.ca) does not exist`,
    );
    expect(() => checkDatabaseTls(withDatabaseTls(url, expired.client))).toThrow('has expired');
    expect(() => checkDatabaseTls(`${url}?sslmode=verify-full&sslrootcert=${good.ca}`)).not.toThrow();
    expect(() => checkDatabaseTls(url)).not.toThrow();
  });
});
