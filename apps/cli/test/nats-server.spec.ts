import { startNatsServer, type TestNatsServerOptions } from '@fledge/cli/servers';
import { freePort } from '@fledge/kit/operations';

/** How often the server pings its clients, in milliseconds, by its own account. */
async function pingIntervalMs(options: TestNatsServerOptions): Promise<number> {
  const monitor = await freePort();
  const server = await startNatsServer({ ...options, config: `http: "127.0.0.1:${monitor}"` });
  try {
    const settings = (await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json()) as { ping_interval: number };
    return settings.ping_interval / 1e6;
  } finally {
    await server.stop();
  }
}

describe('startNatsServer', () => {
  it('pings clients often enough to drop an unresponsive one soon, unless told not to', async () => {
    expect(await pingIntervalMs({})).toBe(550);
    expect(await pingIntervalMs({ quickPings: false })).toBe(120_000);
  });
});
