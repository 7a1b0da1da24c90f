import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that the system assigns, so that nobody takes one by chance before it is used. */
const LOWEST = 20_000;
const NUMBER = 12_000;
const TRIES = 100;

/** A free TCP port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = LOWEST + Math.floor(Math.random() * NUMBER);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error(
    `${TRIES} ports from ${LOWEST} to ${LOWEST + NUMBER} were tried, and somebody listens on each of them`,
  );
}
