import { readFileSync } from 'node:fs';

/**
 * @typedef {{ path: string, name: string, version: string, license?: string, resolved?: string, integrity?: string,
 *   isDevelopment: boolean }} LockedPackage
 */

/** The packages of a lock file that come from a registry. @param {string} file @returns {LockedPackage[]} */
export function lockedPackages(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.entries(packages)
    .filter(([path, entry]) => path.includes('node_modules/') && !entry.link)
    .map(([path, entry]) => ({
      path,
      name: entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: entry.version,
      license: entry.license,
      resolved: entry.resolved,
      integrity: entry.integrity,
      isDevelopment: Boolean(entry.dev),
    }));
}

/** What this repository allows. */
export function policy() {
  return JSON.parse(readFileSync(new URL('policy.json', import.meta.url), 'utf8'));
}
