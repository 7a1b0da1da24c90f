/**
 * Before a build: the packages that are published have their built files in their own folders, where `npm pack` finds
 * them. The build writes into one folder for all, in which these are links.
 */
import { lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const PUBLISHED = ['libs/kit', 'libs/nats', 'apps/cli'];

for (const folder of PUBLISHED) {
  const own = join(folder, 'dist');
  const link = join('dist', folder);
  const isLink = lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const isReal = lstatSync(own, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isLink && isReal && readdirSync(own).length > 0) continue;
  rmSync(link, { recursive: true, force: true });
  rmSync(own, { recursive: true, force: true });
  // what it says was written is not there any more
  rmSync('dist/.tsbuildinfo', { force: true });
  mkdirSync(own, { recursive: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), own), link);
}
