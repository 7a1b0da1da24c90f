import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * The folder of a package, resolved as an import from a file would be; `undefined` when it is not installed.
 * @param from the file; default: one of the kit.
 */
export function packageFolder(name: string, from: string = import.meta.filename): string | undefined {
  const folders = createRequire(from).resolve.paths(name) ?? [];
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')));
}
