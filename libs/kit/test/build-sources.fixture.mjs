/**
 * Compiles the TypeScript of a folder into its `dist`, as `tsc` would, but in milliseconds: `node
 * build-sources.fixture.mjs <folder> src`. Several folders of sources keep their names below `dist`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';

const [root, ...folders] = process.argv.slice(2);
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
for (const folder of folders) build(join(root, folder), folders.length > 1 ? join(dist, folder) : dist);

/** @param {string} from @param {string} into */
function build(from, into) {
  for (const path of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const { code } = transformSync(readFileSync(join(from, path), 'utf8'), {
      swcrc: false,
      configFile: false,
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      },
    });
    const to = join(into, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, code);
  }
}
