import { execFile } from 'node:child_process';
import { chown, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '../contract/index.js';
import { type Account, commandAs } from './postgres-account.js';
import type { PostgresBinaries } from './postgres-binaries.js';

const run = promisify(execFile);
const CHECK_TIMEOUT_MS = 10_000;
const SYSTEM_USER = 'postgres';

/** A folder that a server may use. */
export interface DataFolder {
  readonly dir: string;
  /** Whether it is empty, so that the server's files must be created first. */
  readonly isNew: boolean;
  /** The user that the server runs as; `undefined` for that of this process. PostgreSQL refuses to run as root. */
  readonly account: Account | undefined;
}

/**
 * Creates the folder if necessary and checks that a server can run in it. As root, the server runs as the folder's
 * owner or, for a new folder, as the system user `postgres`, which is created if missing.
 */
export async function claimFolder(dir: string, persistent: boolean, binaries: PostgresBinaries): Promise<DataFolder> {
  const entries = await openFolder(dir);
  const isNew = entries.length === 0;
  if (!isNew && !persistent) {
    throw new StartupError(
      'postgres-folder',
      `${dir} is not empty, and a temporary PostgreSQL would remove it when it ends`,
      'Choose an empty folder.',
      { dir },
    );
  }
  if (!isNew && !entries.includes('PG_VERSION')) {
    throw new StartupError(
      'postgres-folder',
      `${dir} holds files that are not a PostgreSQL server's`,
      'Move them away, or set DATABASE_URL to a PostgreSQL server.',
      { dir },
    );
  }
  const owner = process.getuid?.() === 0 ? await accountFor(dir, isNew) : undefined;
  if (owner && isNew) await chown(dir, owner.uid, owner.gid);
  const account = await reachingAccount(dir, binaries, owner);
  const running = await checkFolder(dir);
  if (running) throw running;
  return { dir, isNew, account };
}

async function openFolder(dir: string): Promise<string[]> {
  try {
    // Only the folder itself is private: the server's user must pass through those above it.
    await mkdir(dirname(dir), { recursive: true });
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return await readdir(dir);
  } catch (error) {
    throw unusable(dir, 'this user', error);
  }
}

/** The error for a folder in which a server already runs; the lock file of a server that is gone is removed. */
export async function checkFolder(dir: string): Promise<StartupError | undefined> {
  const running = await serverIn(dir);
  if (running) {
    const { pid, port } = running;
    return new StartupError(
      'postgres-running',
      `${dir} is in use by the PostgreSQL server with process id ${pid}${port ? `, which listens on port ${port}` : ''}`,
      `Stop the process that runs it (or \`kill ${pid}\`), or set DATABASE_URL to that server.`,
      { dir, pid, port: port ?? null },
    );
  }
  // PostgreSQL would mistake any process that has got the old id since, as happens in a restarted container, for the
  // server
  if (running === null) await rm(lockOf(dir), { force: true });
  return undefined;
}

/** A server that uses a folder. */
export interface FolderServer {
  readonly pid: number;
  /** `undefined` before it listens. */
  readonly port: number | undefined;
}

/**
 * The server that runs in a folder; `null` if one has left its lock file behind, `undefined` without a lock file.
 * Changes nothing.
 */
export async function serverIn(dir: string): Promise<FolderServer | null | undefined> {
  const text = await readFile(lockOf(dir), 'utf8').catch(() => '');
  const [line, , , port] = text.split('\n');
  // negative while initdb runs
  const pid = Math.abs(Number(line));
  if (!pid) return undefined;
  return (await isPostgres(pid)) ? { pid, port: Number(port) || undefined } : null;
}

function lockOf(dir: string): string {
  return join(dir, 'postmaster.pid');
}

async function isPostgres(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  try {
    if (process.platform === 'linux') return /postgres|postmaster/.test(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
    const { stdout } = await run('ps', ['-p', String(pid), '-o', 'command='], { timeout: CHECK_TIMEOUT_MS });
    return /postgres|postmaster/.test(stdout);
  } catch (error) {
    // ENOENT: it ended meanwhile; after any other error, a live process counts as the server
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

async function accountFor(dir: string, isNew: boolean): Promise<Account> {
  if (!isNew) {
    const { uid, gid } = await stat(dir);
    if (uid !== 0) return { uid, gid };
    throw new StartupError(
      'postgres-folder',
      `${dir} belongs to root, and PostgreSQL does not run as root`,
      `Change its owner: \`chown -R ${SYSTEM_USER} ${dir}\`.`,
      { dir },
    );
  }
  const known = await systemUser();
  if (known) return known;
  try {
    await run(
      'useradd',
      ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', SYSTEM_USER],
      { timeout: CHECK_TIMEOUT_MS },
    );
  } catch (error) {
    // two hosts may start at once; all that matters is that the user exists
    const made = await systemUser();
    if (made) return made;
    const failure = new StartupError(
      'postgres-user',
      `this process runs as root, PostgreSQL cannot, and the system user '${SYSTEM_USER}' cannot be created`,
      'Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server.',
    );
    failure.cause = error;
    throw failure;
  }
  const made = await systemUser();
  if (made) return made;
  throw new StartupError(
    'postgres-user',
    `the system user '${SYSTEM_USER}' was created but cannot be found`,
    'Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server.',
  );
}

async function systemUser(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) =>
        Number((await run('id', [flag, SYSTEM_USER], { timeout: CHECK_TIMEOUT_MS })).stdout),
      ),
    );
    return uid && gid ? { uid, gid } : undefined;
  } catch {
    // `id` fails if there is no such user
    return undefined;
  }
}

/** The account, with what it needs to reach the program and the folder; throws if that is impossible. */
async function reachingAccount(
  dir: string,
  binaries: PostgresBinaries,
  account: Account | undefined,
): Promise<Account | undefined> {
  try {
    await checkReach(dir, binaries, account);
    return account;
  } catch (error) {
    if (!account) throw error;
    const escorted = { ...account, throughClosedFolders: true };
    const passes = await checkReach(dir, binaries, escorted).then(
      () => true,
      // Without setpriv or the right to give capabilities, the first failure is the one to report.
      () => false,
    );
    if (passes) return escorted;
    throw error;
  }
}

/** Checks access beforehand: PostgreSQL's own errors do not say which user cannot reach a program or folder. */
async function checkReach(dir: string, binaries: PostgresBinaries, account: Account | undefined): Promise<void> {
  const as = account ? `the user with id ${account.uid}, as whom PostgreSQL runs,` : 'this user';
  const probe = 'test -x "$1" && test -x "$2" || exit 3; cd "$3" && test -w . || exit 4';
  const {
    program,
    args,
    as: user,
  } = commandAs(account, '/bin/sh', ['-c', probe, 'fledge-reach', binaries.initdb, binaries.postgres, dir]);
  try {
    await run(program, args, { ...user, cwd: '/', timeout: CHECK_TIMEOUT_MS });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 3) throw unusable(dir, as, error);
    const failure = new StartupError(
      'postgres-binaries',
      `${as} cannot run ${binaries.postgres}`,
      "Let every user enter that file's folders, run as an ordinary user, or set DATABASE_URL to a PostgreSQL server.",
      { program: binaries.postgres },
    );
    failure.cause = error;
    throw failure;
  }
}

function unusable(dir: string, who: string, cause: unknown): StartupError {
  const failure = new StartupError(
    'postgres-folder',
    `${who} cannot write the PostgreSQL folder ${dir}`,
    'Give it access to the folder and to those above it, or set DATABASE_URL to a PostgreSQL server.',
    { dir },
  );
  failure.cause = cause;
  return failure;
}
