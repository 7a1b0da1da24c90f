import { connect as dial, isIP, type Socket } from 'node:net';
import { connect as secure } from 'node:tls';
import { readTlsFiles, type StartupError, type TlsFiles, tlsFailure } from '@fledge/kit/transport';
import { hostOf, identityCheck, NATS_TLS } from './client-tls.js';

/** An INFO line has a few hundred bytes, and more for a large cluster. */
const INFO_MAX_BYTES = 64 * 1024;
const PORT = 4222;

/**
 * Why no server can be reached over TLS, if each fails of TLS; `undefined` if one of them does not, or cannot be reached
 * at all.
 *
 * The client itself cannot tell: since TLS 1.3 a server refuses a client's certificate after the handshake, and the client
 * takes that for a lost connection and tries again until its time is up. In TLS 1.2, which is used here, it is part of
 * the handshake.
 */
export async function tlsFaultOf(
  servers: readonly string[],
  files: TlsFiles | undefined,
  timeoutMs: number,
): Promise<StartupError | undefined> {
  const contents = files ? readTlsFiles(files, NATS_TLS) : {};
  const faults = await Promise.all(servers.map((server) => faultOf(server, servers, contents, timeoutMs)));
  return faults.includes(undefined) ? undefined : faults[0];
}

async function faultOf(
  server: string,
  servers: readonly string[],
  contents: TlsFiles,
  timeoutMs: number,
): Promise<StartupError | undefined> {
  const { port } = new URL(server);
  const host = hostOf(server);
  const socket = dial(Number(port || PORT), host);
  socket.setTimeout(timeoutMs, () => socket.destroy());
  try {
    const { tls_required: isRequired, tls_available: isAvailable } = await infoOf(socket);
    if (!isRequired && !isAvailable) throw new Error("server does not support 'tls'");
    await new Promise((resolve, reject) => {
      const checkServerIdentity = identityCheck(servers);
      const names = isIP(host) === 0 ? { servername: host } : {};
      secure({ socket, ...contents, ...names, checkServerIdentity, maxVersion: 'TLSv1.2' }, () => resolve(undefined))
        .once('error', reject)
        .once('close', () => resolve(undefined));
    });
    return undefined;
  } catch (error) {
    return tlsFailure(error, `NATS at ${server}`, NATS_TLS);
  } finally {
    socket.destroy();
  }
}

/** The first line of a server; an empty one if it says nothing that can be read, which is for the client to report. */
function infoOf(socket: Socket): Promise<{ readonly tls_required?: boolean; readonly tls_available?: boolean }> {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (data: Buffer): void => {
      text += data.toString('latin1');
      if (!text.includes('\r\n') && text.length < INFO_MAX_BYTES) return;
      socket.off('data', read).pause();
      const [, json] = /^INFO (\{.*\})\s*\r\n/.exec(text) ?? [];
      if (json === undefined) return reject(new Error('no INFO'));
      try {
        resolve(JSON.parse(json) as Awaited<ReturnType<typeof infoOf>>);
      } catch {
        // a throw in this listener would end the process
        reject(new Error('malformed INFO'));
      }
    };
    socket
      .on('data', read)
      .once('error', reject)
      .once('close', () => reject(new Error('closed')));
  });
}
