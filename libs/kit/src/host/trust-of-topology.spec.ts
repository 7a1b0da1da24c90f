import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newServiceKeys } from '../security/index.js';
import { parseTopology } from '../topology/index.js';
import { trustOptionsOf } from './trust-of-topology.js';

const { publicKey } = newServiceKeys();
const TOPOLOGY = parseTopology(
  't.yaml',
  `transport: nats
trust: { keys: { one: ${publicKey} } }
services: { one: { modules: [till] }, two: { modules: [desk] } }
`,
  { modules: ['till', 'desk'], env: {} },
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the signing key of a service', () => {
  it('is read from the file whose name has the name of the service in it', () => {
    writeFileSync(join(folder, 'one.key'), 'key of one');
    writeFileSync(join(folder, 'two.key'), 'key of two');
    const env = { FLEDGE_SIGNING_KEY_FILE: join(folder, '{service}.key') };
    expect(trustOptionsOf(TOPOLOGY, 'one', env)?.signingKey).toBe('key of one');
    expect(trustOptionsOf(TOPOLOGY, 'two', env)?.signingKey).toBe('key of two');
  });

  it('is refused with the name of the file that cannot be read', () => {
    const env = { FLEDGE_SIGNING_KEY_FILE: join(folder, '{service}.key') };
    expect(() => trustOptionsOf(TOPOLOGY, 'two', env)).toThrow(join(folder, 'two.key'));
  });
});
