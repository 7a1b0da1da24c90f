import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { type DevelopmentCertificates, developmentCertificates } from '@fledge/cli/servers';
import { eventually } from '../testing/eventually.js';
import { HttpListener } from './index.js';

const WITHIN_MS = 20_000;

let folder: string;
let certificates: DevelopmentCertificates;
let listener: HttpListener | undefined;
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-tls-'));
  certificates = await developmentCertificates(folder);
  listener = new HttpListener(certificates.server);
  listener.own('/a', (_request, response) => void response.end('answered'));
  port = await listener.listen(0, '127.0.0.1');
});

afterEach(async () => {
  await listener?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly text: string;
  readonly serialNumber: string;
}

function ask(options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(certificates.ca);
    get({ host: '127.0.0.1', port, path: '/a', agent: false, ca, ...options }, (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      response.setEncoding('utf8').on('data', (text: string) => resolve({ text, serialNumber }));
    }).on('error', reject);
  });
}

describe('a listener with a certificate', () => {
  it('answers over HTTPS to those who trust its authority, and to no one without TLS', async () => {
    expect(listener?.scheme).toBe('https');
    expect((await ask()).text).toBe('answered');
    await expect(ask({ ca: [] })).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    await expect(fetch(`http://127.0.0.1:${port}/a`)).rejects.toThrow();
    await expect(ask({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' })).rejects.toThrow();
    expect((await ask()).text).toBe('answered');
  });

  it('uses a renewed certificate for new connections, without a restart', async () => {
    const before = await ask();
    const days = 86_400_000;
    expect((await developmentCertificates(folder, { now: Date.now() + 65 * days, days: 90 })).made).toHaveLength(2);
    // made for a day to come, so that it is near its end: those of today again
    rmSync(certificates.server.cert);
    await developmentCertificates(folder);
    await eventually(
      async () => (await ask()).serialNumber !== before.serialNumber,
      'the new certificate is shown',
      WITHIN_MS,
    );
    expect((await ask()).text).toBe('answered');
  });

  // the request was taken for the beginning of a handshake, and got no answer
  it('answers a request for another protocol that nobody takes', async () => {
    listener?.takeUpgrades(
      () => undefined,
      () => undefined,
    );
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    expect((await ask({ headers })).text).toBe('answered');
  });

  it('is not made of files that cannot be used', () => {
    expect(() => new HttpListener({ cert: certificates.server.cert, key: certificates.client.key })).toThrow(
      expect.objectContaining({ code: 'fledge.startup.tls-key' }) as Error,
    );
  });
});
