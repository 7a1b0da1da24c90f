import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// A package that is never published may have any text as its version; the broker accepts only this form.
const SEMVER = /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/;

/**
 * The semantic version of the deployment: from the nearest package.json with a version, in the folder of the entry file
 * or above. `undefined` if there is none, as for a bundle that is shipped alone.
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
    // no such file, or none with a version: try the one above
    return undefined;
  }
}
