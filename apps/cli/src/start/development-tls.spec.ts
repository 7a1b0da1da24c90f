import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTopology } from '@fledge/kit/operations';
import { CERTIFICATE_FOLDER, developmentTls } from './development-tls.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('certificates for development', () => {
  // They were made for an embedded PostgreSQL that no module uses.
  it('are not made for databases that modules have of their own', async () => {
    const file = join(folder, 'one.yaml');
    writeFileSync(
      file,
      `services: { one: { modules: [a] } }
database: { tls: { ca: ca.pem }, modules: { a: "postgres://a:secret@db.test/a" } }
`,
    );
    const topology = loadTopology(file, { modules: ['a'], env: {} });
    const project = { root: folder, app: join(folder, 'main.js'), demo: [] };
    expect(await developmentTls({ topology, project })).toBeUndefined();
    expect(existsSync(join(folder, CERTIFICATE_FOLDER))).toBe(false);
  });
});
