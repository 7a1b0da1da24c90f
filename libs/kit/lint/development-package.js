import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * The entry file of a package that development alone needs, and that the kit therefore does not name
 * (docs/decisions/0013): as the kit sees it, or else as the application or its `@fledge/cli` does, since a package
 * manager that links only what is named, as pnpm does, shows it to them alone. `undefined` when nobody has it.
 * @param {string} name
 * @param {string} application a folder of the application; default the one that the process runs in
 */
export function developmentPackage(name, application = process.cwd()) {
  const manifest = join(application, 'package.json');
  return (
    seenFrom(import.meta.url, name) ??
    seenFrom(manifest, name) ??
    seenFrom(seenFrom(manifest, '@fledge/cli/package.json'), name)
  );
}

/** @param {string | undefined} file @param {string} name */
function seenFrom(file, name) {
  if (file === undefined) return undefined;
  try {
    return createRequire(file).resolve(name);
  } catch {
    return undefined;
  }
}
