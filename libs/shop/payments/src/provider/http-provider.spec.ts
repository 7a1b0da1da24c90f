import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpProvider } from './http-provider.js';
import { ProviderUnavailable } from './payment-provider.js';

let server: Server;
let status: number;
let provider: HttpProvider;

beforeAll(async () => {
  server = createServer((_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"error":"no such card"}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider = new HttpProvider(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 5_000);
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const authorise = () =>
  provider.authorise({ orderId: 'o', amountMinor: 1, currency: 'EUR', paymentMethod: 'pm' }, 'o:authorise');

describe('the provider over HTTP', () => {
  it.each([400, 402, 410, 422])('takes %d for a no, which is the same however often it asks', async (refused) => {
    status = refused;
    const reason = `the provider refused the request with ${refused}: {"error":"no such card"}`;
    expect(await authorise()).toEqual({ status: 'declined', reference: '', reason });
    expect(await provider.void('auth_1', 'o:void')).toEqual({ status: 'declined', reference: 'auth_1', reason });
  });

  it('takes a reference that is unknown for a no, and an address that is unknown for a wrong setting', async () => {
    status = 404;
    expect(await provider.capture('auth_1', 'o:capture')).toMatchObject({ status: 'declined' });
    await expect(authorise()).rejects.toThrow(ProviderUnavailable);
  });

  it.each([401, 403, 408, 409, 429, 500, 503])('asks again after %d', async (passing) => {
    status = passing;
    await expect(authorise()).rejects.toThrow(ProviderUnavailable);
    await expect(provider.refund('auth_1', 'o:refund')).rejects.toThrow(`the payment provider answered ${passing}`);
  });
});
