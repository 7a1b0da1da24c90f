import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket, connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { StartupError } from '@fledge/kit/operations';

/** What another `fledge` asks of the one that runs here. */
export interface ControlRequest {
  readonly restart: string;
}

/** Its answer: how long it took, or what was wrong. */
export type ControlAnswer =
  { readonly tookMs: number } | { readonly error: { readonly message: string; readonly hint: string } };

const SOCKET = '.data/fledge.sock';
const REQUEST_MAX_BYTES = 4_096;
const SHOWN_MAX = 100;
/** Read and write, for the owner alone. */
const OWNER_ONLY = 0o600;

/**
 * Listens for requests of other `fledge` commands for this project, whose folder must be the working directory. One
 * that was killed leaves its socket, which is then replaced. Returns undefined if another start listens already.
 */
export async function listenForRequests(
  answer: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<Server | undefined> {
  const path = socketPath(process.cwd());
  if (await isHeld(path)) return undefined;
  if (process.platform !== 'win32') {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
  }
  const server = createServer((socket) => void serve(socket, answer));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  // other users of this machine must not restart what runs here
  if (process.platform !== 'win32') chmodSync(path, OWNER_ONLY);
  // it must not keep a start alive that failed
  server.unref();
  return server;
}

/**
 * Asks the `fledge start` that runs in this project, whose folder must be the working directory.
 * @throws StartupError if none runs, or if it refuses.
 */
export async function request(what: ControlRequest): Promise<{ readonly tookMs: number }> {
  const socket = connect(socketPath(process.cwd()));
  try {
    await new Promise<void>((resolve, reject) => socket.once('error', reject).once('connect', resolve));
  } catch {
    // nobody listens, or the one who did was killed
    throw notRunning(`no \`fledge start\` runs in ${process.cwd()}`);
  }
  socket.write(`${JSON.stringify(what)}\n`);
  const line = await firstLine(socket);
  socket.destroy();
  if (line === undefined) throw notRunning(`the \`fledge start\` in ${process.cwd()} ended meanwhile`);
  const answer = JSON.parse(line) as ControlAnswer;
  if ('error' in answer) throw new StartupError('service', answer.error.message, answer.error.hint);
  return answer;
}

/** Relative, because the whole path of a project may be longer than a socket's may be. */
function socketPath(root: string): string {
  if (process.platform !== 'win32') return SOCKET;
  return join('\\\\.\\pipe', `fledge-${createHash('sha256').update(root).digest('hex').slice(0, 32)}`);
}

function notRunning(fact: string): StartupError {
  return new StartupError('not-running', fact, 'Start the application here first: fledge start.');
}

function isHeld(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function serve(socket: Socket, answer: (request: ControlRequest) => Promise<ControlAnswer>): Promise<void> {
  // whoever asked has gone: there is nobody to tell
  socket.on('error', () => socket.destroy());
  const line = await firstLine(socket);
  if (line === undefined) return;
  socket.end(`${JSON.stringify(await answerLine(line, answer))}\n`);
}

/** Never rejects: nothing that is sent here may end the start that listens. */
async function answerLine(
  line: string,
  answer: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<ControlAnswer> {
  const restart = restartIn(line);
  if (restart === undefined)
    return {
      error: {
        message: `\`fledge start\` got a request that it does not know: ${line.slice(0, SHOWN_MAX)}`,
        hint: 'Use the same version of @fledge/cli for both commands.',
      },
    };
  try {
    return await answer({ restart });
  } catch (error) {
    return {
      error: {
        message: `restarting ${restart} failed: ${(error as Error).message}`,
        hint: 'Stop `fledge start`, and start it again.',
      },
    };
  }
}

function restartIn(line: string): string | undefined {
  try {
    const what = JSON.parse(line) as { readonly restart?: unknown } | null;
    return typeof what?.restart === 'string' ? what.restart : undefined;
  } catch {
    // no JSON: not from this command
    return undefined;
  }
}

/** The first line of a socket, which it need not end with; undefined if it closes without one. */
function firstLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let bytes = 0;
    socket.on('data', (data) => {
      bytes += data.length;
      if (bytes > REQUEST_MAX_BYTES) socket.destroy();
    });
    createInterface({ input: socket, crlfDelay: Infinity })
      .once('line', resolve)
      .once('close', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
  });
}
