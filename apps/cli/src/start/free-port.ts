import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { StartupError } from '@fledge/kit/operations';

// below the range of outgoing connections, which could otherwise take the port before its service does
const FROM = 20_000;
const TO = 32_000;
const TRIES = 100;

/** A free TCP port from 20,000 to 32,000. */
export async function freePort(host: string): Promise<number> {
  for (let i = 0; i < TRIES; i++) {
    const port = randomInt(FROM, TO);
    if ((await flawOf(port, host)) === undefined) return port;
  }
  throw new StartupError(
    'ports',
    `none of ${TRIES} ports tried from ${FROM} to ${TO} on ${host} is free`,
    'See which process takes so many ports.',
  );
}

/** Whether a port is free and this account may use it. */
export async function isFree(port: number, host: string): Promise<boolean> {
  return (await flawOf(port, host)) === undefined;
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
