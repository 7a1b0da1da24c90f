import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { NatsTransport } from '@fledge/nats';
import { Host, LocalTransport, type Transport, withContext } from '../../src/index.js';
import { testModule, testNatsUrl } from '../../src/testing/index.js';
import { application, Greet, PricesModule, ShopContext } from './shop.js';

Logger.overrideLogger(false);

const hosts: Host[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

async function start(modules: readonly string[], transport: Transport): Promise<Host> {
  const host = new Host({ application, modules, transport, http: { port: 0 } });
  hosts.push(host);
  return host.start();
}

async function split(): Promise<Host> {
  const namespace = `context-${randomBytes(4).toString('hex')}`;
  const transport = (): Transport => new NatsTransport({ url: testNatsUrl(), namespace });
  await start(['prices'], transport());
  return start(['desk'], transport());
}

it.each<[string, () => Promise<Host>]>([
  ['in one process', () => start(['prices', 'desk'], new LocalTransport())],
  ['over NATS', split],
])('a guard of the application sets what handlers of other modules read, %s', async (_, open) => {
  const { port } = await open();
  const get = async (headers: Record<string, string>): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/desk`, { headers });
    return { status: response.status, ...((await response.json()) as object) };
  };
  expect(await get({ 'x-tenant': 'acme', 'x-locale': 'de' })).toEqual({ status: 200, greeting: 'Guten Tag, acme' });
  expect(await get({ 'x-tenant': 'acme' })).toEqual({ status: 200, greeting: 'Hello, acme' });
  expect(await get({})).toEqual({ status: 200, greeting: 'Hello, stranger' });
  expect(await get({ 'x-locale': 'fr' })).toMatchObject({ status: 400, code: 'fledge.invalid-message' });
});

it('a test of one module sets it around a call', async () => {
  const prices = await testModule(PricesModule, { context: ShopContext });
  try {
    const greeting = await withContext(ShopContext, { tenant: 'acme' }, () => prices.execute(new Greet()));
    expect(greeting).toBe('Hello, acme');
    expect(await prices.execute(new Greet())).toBe('Hello, stranger');
  } finally {
    await prices.close();
  }
});
