import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// A package that is never published may carry any text; what goes to the broker must be one of these.
const SEMVER = /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/;

/**
 * The semantic version of what is deployed: of the first package.json with one in the folder of the entry file or above
 * it. `undefined` when there is none, as for a bundle that was shipped alone.
 */
export function deployedVersion(entryFile: string): string | undefined {
  for (let folder = dirname(entryFile); ; folder = dirname(folder)) {
    const version = versionIn(join(folder, 'package.json'));
    if (version !== undefined || folder === dirname(folder)) return version;
  }
}

function versionIn(file: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
    return typeof version === 'string' && SEMVER.test(version) ? version : undefined;
  } catch {
    // no such file, or none that tells: the one above it may
    return undefined;
  }
}
