import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StartupError } from '../contract/index.js';

const LOOPBACK = '127.0.0.1';
// below what systems give to outgoing connections, which could otherwise take the port before its service does
const FROM = 20_000;
const TO = 32_000;
const TRIES = 100;
/** So many of the ports given last are not given again: who asked for one may not listen on it yet. */
const REMEMBERED = 1_000;
const given = new Set<number>();

/**
 * Finds a TCP port from 20,000 to 31,999 that nobody listens on at this moment, and that this process was not given a
 * moment ago.
 * @param host the address to listen on; default 127.0.0.1.
 * @throws StartupError when 100 ports were tried in vain.
 */
export async function freePort(host = LOOPBACK): Promise<number> {
  let flaw: NodeJS.ErrnoException | undefined;
  for (let tried = 0; tried < TRIES; tried++) {
    const port = randomInt(FROM, TO);
    if (given.has(port)) continue;
    remember(port);
    flaw = await flawOf(port, host);
    if (flaw === undefined) return port;
  }
  throw new StartupError(
    'ports',
    `none of ${TRIES} ports tried from ${FROM} to ${TO} on ${host} is free: ${flaw?.message}`,
    'See which process takes so many ports, or whether the address is one of this machine.',
    { host },
  );
}

/** Whether nobody listens on a port, and this account may. @param host the address to listen on; default 127.0.0.1. */
export async function isPortFree(port: number, host = LOOPBACK): Promise<boolean> {
  return (await flawOf(port, host)) === undefined;
}

/** Before the port is probed: another look, side by side with this one, must not take it. */
function remember(port: number): void {
  given.add(port);
  const [oldest] = given;
  if (given.size > REMEMBERED && oldest !== undefined) given.delete(oldest);
}

async function flawOf(port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  const flaw = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => resolve(undefined));
  });
  if (flaw === undefined) await new Promise((resolve) => server.close(resolve));
  return flaw;
}
