import { realpathSync } from 'node:fs';
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

/**
 * Refuses to start when the application and the kit would load two copies of a package that they must share.
 * @param application a file of the application.
 * @param kit a file of the kit; default: this one.
 * @throws StartupError `second-copy`, with both folders.
 */
export function refuseSecondCopies(application: string, kit: string = import.meta.filename): void {
  for (const name of SHARED) {
    const [own, other] = [copyFor(kit, name), copyFor(application, name)];
    if (own === undefined || other === undefined || own === other) continue;
    throw new StartupError(
      'second-copy',
      `there are two copies of ${name}: the application has ${other}, and @fledge/kit has ${own}`,
      `Keep one: install a version of ${name} that suits both, then run \`npm dedupe\` (pnpm: \`pnpm dedupe\`); \`npm ls ${name}\` (\`pnpm why\`) shows which package requires which version.`,
      { own, other },
    );
  }
}

function copyFor(file: string, name: string): string | undefined {
  const folder = packageFolder(name, file);
  return folder === undefined ? undefined : realpathSync(folder);
}
