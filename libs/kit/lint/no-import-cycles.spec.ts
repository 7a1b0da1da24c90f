import { join } from 'node:path';
import { RuleTester } from 'eslint';
import tseslint from 'typescript-eslint';
import { type Files, writeWorkspace } from '../test/workspace.js';
import { noImportCycles } from './no-import-cycles.js';

const FILES = {
  'src/a.ts': "import type { B } from './b.js';",
  'src/b.ts': "export { c } from './deep/c.js';",
  'src/deep/c.ts': "export const load = () => import('../a.js');",
  'src/self.ts': "import { x } from './self.js';",
  'src/line.ts':
    "import { end } from './end.js'; import { readFile } from 'node:fs'; import { gone } from './gone.js';",
  'src/end.ts': "export const end = 1; // import './line.js'",
} satisfies Files;
const { root, remove } = writeWorkspace(FILES);
afterAll(remove);

const tester = new RuleTester({ languageOptions: { parser: tseslint.parser } });
const at = (path: keyof typeof FILES) => ({ name: path, filename: join(root, path), code: FILES[path] });
const bad = (path: keyof typeof FILES, round: string) => ({
  ...at(path),
  errors: [{ message: `Files import each other in a cycle: ${round}. Move what both need into a separate file.` }],
});

tester.run('no-import-cycles', noImportCycles, {
  valid: [at('src/line.ts'), at('src/end.ts')],
  invalid: [
    bad('src/a.ts', 'a.ts → b.ts → deep/c.ts → a.ts'),
    bad('src/b.ts', 'b.ts → deep/c.ts → a.ts → b.ts'),
    bad('src/deep/c.ts', 'c.ts → ../a.ts → ../b.ts → c.ts'),
    bad('src/self.ts', 'self.ts → self.ts'),
  ],
});
