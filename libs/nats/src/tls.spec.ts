import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import {
  type DevelopmentCertificates,
  developmentCertificates,
  natsServerTls,
  startNatsServer,
  type TestNatsServer,
} from '@fledge/cli/servers';
import type { TlsFiles } from '@fledge/kit/transport';
import { eventually } from '@fledge/kit/testing';
import { NatsTransport } from './index.js';
import { tlsFaultOf } from './tls-probe.js';

Logger.overrideLogger(false);

const WITHIN_MS = 20_000;

let folder: string;
let good: DevelopmentCertificates;
let other: DevelopmentCertificates;
const servers: TestNatsServer[] = [];
const transports: NatsTransport[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-tls-'));
  good = await developmentCertificates(join(folder, 'good'));
  other = await developmentCertificates(join(folder, 'other'));
});

afterEach(async () => {
  for (const transport of transports.splice(0)) await transport.close();
  for (const server of servers.splice(0)) await server.stop();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function broker(
  certificates?: Pick<DevelopmentCertificates, 'ca' | 'server'>,
  port = 0,
): Promise<TestNatsServer> {
  const server = await startNatsServer({
    port,
    store: mkdtempSync(join(folder, 'store-')),
    ...(certificates && { config: natsServerTls(certificates) }),
  });
  servers.push(server);
  return server;
}

/** A server that sends this to each client, and then nothing more. */
async function stranger(greeting: string): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (greeting !== '') socket.write(greeting);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `tls://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function connected(port: number, tls?: TlsFiles, host = '127.0.0.1'): Promise<NatsTransport> {
  const transport = new NatsTransport({
    url: `tls://${host}:${port}`,
    namespace: 'tls',
    tls,
    connectTimeoutMs: WITHIN_MS,
  });
  transports.push(transport);
  await transport.start();
  return transport;
}

/** How a start fails, and that it does so well before its time is up. */
async function refusal(port: number, tls?: TlsFiles, host?: string): Promise<unknown> {
  const from = performance.now();
  const error = await connected(port, tls, host).then(
    () => 'it connected',
    (failure: unknown) => failure,
  );
  expect(performance.now() - from).toBeLessThan(WITHIN_MS);
  return error;
}

describe('a broker with mutual TLS', () => {
  it('takes a client whose certificate its authority has signed, by address and by name', async () => {
    const { port } = await broker(good);
    const tls = { ca: good.ca, ...good.client };
    expect((await connected(port, tls)).isConnected()).toBe(true);
    expect((await connected(port, tls, 'localhost')).isConnected()).toBe(true);
  });

  it('is refused by a client that cannot verify it, at once and with the setting to look at', async () => {
    const [expired, elsewhere] = await Promise.all([
      developmentCertificates(join(folder, 'expired'), { days: -1 }),
      developmentCertificates(join(folder, 'elsewhere'), { hosts: ['localhost', '10.1.2.3'] }),
    ]);
    const trusted = await broker(good);
    expect(await refusal(trusted.port, { ca: other.ca, ...good.client })).toMatchObject({
      code: 'fledge.startup.tls-untrusted',
      message: expect.stringContaining(`NATS at tls://127.0.0.1:${trusted.port} shows a certificate that no trusted`),
      hint: 'Name the authority of its certificate in nats.tls.ca.',
    });
    expect(await refusal(trusted.port, good.client)).toMatchObject({ code: 'fledge.startup.tls-untrusted' });
    const late = await broker({ ca: good.ca, server: expired.server });
    expect(await refusal(late.port, { ca: expired.ca, ...good.client })).toMatchObject({
      code: 'fledge.startup.tls-expired',
    });
    // the client of NATS itself would check an address for the name 'localhost'
    const named = await broker({ ca: good.ca, server: elsewhere.server });
    expect(await refusal(named.port, { ca: elsewhere.ca, ...good.client })).toMatchObject({
      code: 'fledge.startup.tls-name',
      message: expect.stringMatching(/for another name: .*127\.0\.0\.1.*10\.1\.2\.3/),
    });
  });

  it('refuses a client without a certificate, or with one of another authority', async () => {
    const { port } = await broker(good);
    expect(await refusal(port, { ca: good.ca })).toMatchObject({
      code: 'fledge.startup.tls-client-certificate',
      hint: 'Name one, and its key, in nats.tls.cert and nats.tls.key; an authority of the server must have signed it.',
    });
    expect(await refusal(port, { ca: good.ca, ...other.client })).toMatchObject({
      code: 'fledge.startup.tls-client-certificate',
    });
  });

  it('is not replaced by one without TLS', async () => {
    const { port } = await broker();
    expect(await refusal(port, { ca: good.ca, ...good.client })).toMatchObject({
      code: 'fledge.startup.tls-unsupported',
    });
    expect(await refusal(port)).toMatchObject({ code: 'fledge.startup.tls-unsupported' });
  });

  it('that comes back with certificates of another authority is reached with the renewed files', async () => {
    const own = join(folder, 'own');
    cpSync(join(folder, 'good'), own, { recursive: true });
    const files = { ca: join(own, 'ca.pem'), cert: join(own, 'client.pem'), key: join(own, 'client.key') };
    const first = await broker(good);
    const transport = await connected(first.port, files);
    await first.stop();
    await eventually(() => !transport.isConnected(), 'the loss is noticed', WITHIN_MS);
    cpSync(join(folder, 'other'), own, { recursive: true, force: true });
    expect(readFileSync(files.ca)).toEqual(readFileSync(other.ca));
    await broker(other, first.port);
    await eventually(() => transport.isConnected(), 'it is connected again', WITHIN_MS);
  });

  it('is reached though another server of the list accepts connections and stays silent', async () => {
    const silent = await stranger('');
    const { port } = await broker(good);
    const transport = new NatsTransport({
      url: [silent.url, `tls://127.0.0.1:${port}`],
      namespace: 'tls',
      tls: { ca: good.ca, ...good.client },
      connectTimeoutMs: 4_000,
    });
    transports.push(transport);
    await transport.start();
    expect(transport.isConnected()).toBe(true);
    await silent.stop();
  });

  it('is no fault of TLS if a server greets with a line that cannot be read', async () => {
    const broken = await stranger('INFO {broken}\r\n');
    expect(await tlsFaultOf([broken.url], undefined, 2_000)).toBeUndefined();
    await broken.stop();
  });
});
