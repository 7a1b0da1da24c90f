import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevelopmentCertificates, developmentCertificates } from '@fledge/cli/servers';
import { readTlsFiles, type TlsFiles } from './index.js';

let folder: string;
let good: DevelopmentCertificates;
let other: DevelopmentCertificates;
let expired: DevelopmentCertificates;
let future: DevelopmentCertificates;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-tls-'));
  const made = (name: string, options = {}): Promise<DevelopmentCertificates> =>
    developmentCertificates(join(folder, name), options);
  [good, other, expired, future] = await Promise.all([
    made('good'),
    made('other'),
    made('expired', { days: -1 }),
    made('future', { now: Date.now() + 86_400_000 }),
  ]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function refusal(files: TlsFiles): { code: string; message: string; hint: string } {
  try {
    readTlsFiles(files, 'nats.tls');
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('they were read');
}

describe('the files for TLS', () => {
  it('are read if they fit each other', () => {
    const { ca, cert, key } = readTlsFiles({ ca: good.ca, ...good.client }, 'nats.tls');
    expect([ca, cert, key].map((text) => text?.slice(0, 27))).toEqual([
      '-----BEGIN CERTIFICATE-----',
      '-----BEGIN CERTIFICATE-----',
      '-----BEGIN PRIVATE KEY-----',
    ]);
    expect(readTlsFiles({}, 'nats.tls')).toEqual({});
  });

  it('that are missing or hold something else are refused by their path and setting', () => {
    const text = join(folder, 'text.pem');
    writeFileSync(text, 'no certificate');
    expect(refusal({ ca: join(folder, 'none.pem') })).toMatchObject({
      code: 'fledge.startup.tls-file',
      message: `${join(folder, 'none.pem')} (nats.tls.ca) does not exist`,
      hint: 'Name a PEM file that this account can read. `fledge certs dev` makes files for development.',
    });
    expect(refusal({ ca: text }).message).toBe(`${text} (nats.tls.ca) holds no certificate`);
    expect(refusal({ cert: good.client.cert, key: text }).message).toContain('holds no private key');
    expect(refusal({ ca: folder }).code).toBe('fledge.startup.tls-file');
  });

  it('with a certificate that is not valid now are refused', () => {
    expect(refusal(expired.server)).toMatchObject({
      code: 'fledge.startup.tls-expired',
      message: expect.stringMatching(/server\.pem \(nats\.tls\.cert\) has expired: it was valid until /),
    });
    expect(refusal(future.server)).toMatchObject({
      code: 'fledge.startup.tls-expired',
      message: expect.stringContaining('is not valid yet'),
    });
  });

  it('with a key of another certificate are refused', () => {
    expect(refusal({ cert: good.client.cert, key: other.client.key })).toMatchObject({
      code: 'fledge.startup.tls-key',
      message: `the key in ${other.client.key} (nats.tls.key) does not belong to the certificate in ${good.client.cert} (nats.tls.cert)`,
    });
  });
});
