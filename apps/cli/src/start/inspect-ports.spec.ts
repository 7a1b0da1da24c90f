import { createServer } from 'node:net';
import { freePort } from '@fledge/kit/operations';
import { inspectPorts } from './inspect-ports.js';
import { INSPECT_HOST } from './replica.js';

it('gives each service an inspector port of its own, and none that is taken', async () => {
  const first = await freePort();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(first, INSPECT_HOST, resolve));
  try {
    const ports = await inspectPorts(first, ['cups', 'teas', 'pots']);
    expect([...ports.keys()]).toEqual(['cups', 'teas', 'pots']);
    expect(new Set(ports.values()).size).toBe(3);
    expect(Math.min(...ports.values())).toBeGreaterThan(first);
  } finally {
    taken.close();
  }
});
