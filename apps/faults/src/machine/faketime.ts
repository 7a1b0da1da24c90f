import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, unpackPackages } from '@fledge/cli/servers';

const INSTALL_TIMEOUT_MS = 120_000;
const LIBRARY = 'libfaketime.so.1';

let found: Promise<string> | undefined;

/**
 * The path of libfaketime, which gives a program a separate clock. It comes from Debian's package, unpacked into the
 * cache without installing it; rejects with the reason if that is not possible.
 */
export function faketimeLibrary(): Promise<string> {
  return (found ??= find());
}

/**
 * The environment variables with which a program takes its clock from a file: `+0` is the machine's own time, `-600`
 * ten minutes earlier. All its processes see a change at once, as with the machine's clock.
 */
export function faketimeEnvironment(library: string, clockFile: string): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}

async function find(): Promise<string> {
  const packages = join(cacheFolder(), 'packages');
  const home = join(packages, 'libfaketime');
  const cached = await libraryIn(home);
  if (cached !== undefined) return cached;
  // unpacked to a temporary place and then renamed, so that a broken install is never found
  await mkdir(packages, { recursive: true });
  const fresh = await mkdtemp(join(packages, 'libfaketime-'));
  try {
    await unpackPackages(fresh, ['libfaketime'], INSTALL_TIMEOUT_MS);
    await rename(fresh, home).catch(async (error: unknown) => {
      // another process was faster
      if ((await libraryIn(home)) === undefined) throw error;
    });
  } catch (error) {
    throw new Error(
      `libfaketime cannot be had by apt-get: ${(error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1)}`,
      { cause: error },
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  const library = await libraryIn(home);
  if (library === undefined) throw new Error(`the package libfaketime holds no ${LIBRARY}`);
  return library;
}

async function libraryIn(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const library = entries.find((entry) => entry.endsWith(`/${LIBRARY}`));
  return library === undefined ? undefined : join(folder, library);
}
