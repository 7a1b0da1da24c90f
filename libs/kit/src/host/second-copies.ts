import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../contract/index.js';
import { packageFolder } from '../http/index.js';

/**
 * Packages that may exist only once: the kit and the application recognise each other's objects by their classes and
 * symbols.
 */
const SHARED = [
  '@fledge/kit',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/cqrs',
  '@nestjs/typeorm',
  'class-transformer',
  'class-validator',
  'reflect-metadata',
  'rxjs',
  'typeorm',
];

/** Loaded by the kit, and written against it: its copies must be the kit's, too. */
const NATS = '@fledge/nats';

/**
 * Refuses to start when the application, the kit and `@fledge/nats` would load two copies of a package that they must
 * share.
 * @param application a file of the application.
 * @param kit a file of the kit; default: this one.
 * @throws StartupError `second-copy`, with both folders.
 */
export function refuseSecondCopies(application: string, kit: string = import.meta.filename): void {
  const nats = packageFolder(NATS, application);
  for (const name of SHARED) {
    const own = copyFor(kit, name);
    refuseOther(name, own, 'the application', copyFor(application, name));
    if (nats !== undefined) refuseOther(name, own, NATS, copyFor(join(realpathSync(nats), 'package.json'), name));
  }
}

function refuseOther(name: string, own: string | undefined, who: string, other: string | undefined): void {
  if (own === undefined || other === undefined || own === other) return;
  throw new StartupError(
    'second-copy',
    `there are two copies of ${name}: ${who} has ${other}, and @fledge/kit has ${own}`,
    `Keep one: install a version of ${name} that suits both, then run \`npm dedupe\` (pnpm: \`pnpm dedupe\`); \`npm ls ${name}\` (\`pnpm why\`) shows which package requires which version.`,
    { own, other },
  );
}

function copyFor(file: string, name: string): string | undefined {
  const folder = packageFolder(name, file);
  return folder === undefined ? undefined : realpathSync(folder);
}
