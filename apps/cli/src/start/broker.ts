import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { endWithParent, freePort, isPortFree, serverEnvironment, StartupError } from '@fledge/kit/operations';
import { type DevelopmentCertificates, NATS_SERVER_PINGS, natsServerPath, natsServerTls } from '@fledge/cli/servers';
import type { LineLog } from './line-log.js';
import { SupervisedProcess } from './supervised-process.js';

const HOST = '127.0.0.1';
const USUAL_PORT = 4222;
const READY_TIMEOUT_MS = 20_000;

/** A nats-server that runs until this start ends. */
export interface Broker {
  readonly url: string;
  readonly process: SupervisedProcess;
}

/**
 * Starts nats-server on this machine, with JetStream and its store in `dir`: on port 4222 if it is free, so that the
 * NATS tools find it, otherwise on another. It is restarted if it dies, and ends with this process. With `certificates`
 * it takes only TLS connections of clients with a certificate.
 * @throws StartupError if there is no nats-server and none can be installed, or if it does not start.
 */
export async function startBroker(dir: string, log: LineLog, certificates?: DevelopmentCertificates): Promise<Broker> {
  const program = await findProgram();
  claimFolder(dir);
  const config = join(dir, 'nats-server.conf');
  writeFileSync(config, NATS_SERVER_PINGS + (certificates ? natsServerTls(certificates) : ''));
  const port = (await isPortFree(USUAL_PORT, HOST)) ? USUAL_PORT : await freePort(HOST);
  const process = new SupervisedProcess(
    {
      name: 'nats',
      start: async () => {
        const child = spawn(
          program,
          ['-c', config, '--addr', HOST, '--port', String(port), '--jetstream', '--store_dir', dir],
          {
            // its configuration names no variable, and secrets are none of its business
            env: serverEnvironment(),
            stdio: ['ignore', 'pipe', 'pipe'],
            // its own process group: Ctrl-C in the terminal must not end it before the services have drained
            detached: true,
          },
        );
        if (child.pid === undefined) throw await cannotRun(program, child);
        endWithParent(child);
        return child;
      },
      isReady: () => greets(port),
      // isReady hangs up before a handshake, which the server reports as the last of these
      keep: (line) => /\[(WRN|ERR|FTL)\]|^nats-server:/.test(line) && !/TLS handshake error: EOF/.test(line),
    },
    log,
  );
  try {
    await process.start(READY_TIMEOUT_MS);
  } catch (error) {
    process.kill();
    throw error;
  }
  return { url: `${certificates ? 'tls' : 'nats'}://${HOST}:${port}`, process };
}

async function findProgram(): Promise<string> {
  try {
    return await natsServerPath();
  } catch (error) {
    throw new StartupError(
      'broker',
      (error as Error).message.replace(/\.?\s*\n[^]*$/, ''),
      'Or set NATS_URL to a server of your own.',
    );
  }
}

async function cannotRun(program: string, child: ChildProcess): Promise<StartupError> {
  const [error] = (await once(child, 'error')) as [Error];
  return new StartupError(
    'broker',
    `${program} cannot be run: ${error.message}`,
    'Put nats-server 2.10 or newer on the PATH, or set NATS_URL to a server of your own.',
  );
}

function claimFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK);
  } catch (error) {
    throw new StartupError(
      'data-folder',
      `the broker cannot write to ${dir}: ${(error as Error).message}`,
      'Make the folder writable for this account, or set NATS_URL to a server of your own.',
      { dir },
    );
  }
}

/** A NATS server speaks first, with a line that begins with INFO. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(data.subarray(0, 4).toString() === 'INFO');
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
