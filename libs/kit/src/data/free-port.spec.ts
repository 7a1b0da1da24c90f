import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort, isPortFree } from './free-port.js';

describe('freePort', () => {
  // The services of one start asked for their ports before the first of them listened: two could get the same.
  it('gives no port twice within a thousand, even to concurrent callers', async () => {
    const ports = await Promise.all(Array.from({ length: 1_000 }, () => freePort()));
    expect(new Set(ports).size).toBe(1_000);
  });

  it('gives ports below those of outgoing connections, on which one can listen', async () => {
    const port = await freePort('127.0.0.1');
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect(await isPortFree(port)).toBe(false);
    server.close();
    await once(server, 'close');
    expect(await isPortFree(port)).toBe(true);
  });

  it('says why when no port is free', async () => {
    // a documentation address, which no machine has
    await expect(freePort('192.0.2.1')).rejects.toMatchObject({
      code: 'fledge.startup.ports',
      message: expect.stringMatching(/^none of 100 ports .* on 192\.0\.2\.1 is free: .*EADDRNOTAVAIL/) as string,
    });
  });
});
