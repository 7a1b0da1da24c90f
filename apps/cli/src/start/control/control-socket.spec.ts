import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Topology } from '@fledge/kit/operations';
import { answerRestart } from './answer-restart.js';
import { listenForRequests, request } from './control-socket.js';

const SOCKET = '.data/fledge.sock';
const WITHIN_MS = 5_000;
const topology = { file: 'config/split.yaml', services: [{ name: 'first' }] } as unknown as Topology;

let server: Server | undefined;
let folder: string;
const sockets: Socket[] = [];
const before = process.cwd();
let restart: (service: string) => Promise<boolean>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fledge-control-'));
  process.chdir(folder);
  restart = () => Promise.resolve(true);
  server = await listenForRequests((what) => answerRestart(what, topology, { restart: (name) => restart(name) }));
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

/** Sends a line as it is; returns the whole answer. */
async function send(line: string): Promise<string> {
  const socket = connect(SOCKET).setEncoding('utf8');
  sockets.push(socket);
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  socket.write(`${line}\n`);
  await once(socket, 'close', { signal: AbortSignal.timeout(WITHIN_MS) });
  return answer;
}

describe('the socket of fledge start', () => {
  it.each(['null', '{}', '{"restart":5}', '[]', 'nonsense'])('answers %s with an error, and lives on', async (line) => {
    expect(JSON.parse(await send(line))).toEqual({
      error: {
        message: `\`fledge start\` got a request that it does not know: ${line}`,
        hint: 'Use the same version of @fledge/cli for both commands.',
      },
    });
    expect(await request({ restart: 'first' })).toEqual({ tookMs: expect.any(Number) as number });
  });

  it('says why a restart failed', async () => {
    restart = () => Promise.reject(new Error('no more memory'));
    await expect(request({ restart: 'first' })).rejects.toMatchObject({
      message: 'restarting first failed: no more memory',
    });
  });

  it('is for its owner alone', () => {
    expect(statSync(SOCKET).mode & 0o777).toBe(0o600);
  });
});
