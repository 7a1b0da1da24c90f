import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type TestWorkspace, writeWorkspace } from './workspace.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NEST = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');

let workspace: TestWorkspace;
beforeEach(() => {
  workspace = writeWorkspace({
    'nest-cli.json': JSON.stringify({ collection: '@fledge/kit', sourceRoot: 'src' }),
    'package.json': JSON.stringify({ type: 'module' }),
    'src/stock.module.ts':
      "import { BoundedModule } from '@fledge/kit';\n" +
      '@BoundedModule({\n  contract: StockContract,\n  controllers: [StockController],\n})\nexport class StockModule {}\n',
  });
});
afterEach(() => workspace.remove());

async function generate(...args: string[]): Promise<string> {
  await promisify(execFile)(process.execPath, [NEST, 'generate', ...args, '--no-spec'], { cwd: workspace.root });
  return readFileSync(join(workspace.root, 'src/stock.module.ts'), 'utf8').replace(/\s+/g, ' ');
}

it("registers in a bounded module what 'nest generate' creates", async () => {
  expect(await generate('controller', 'shelf')).toBe(
    "import { BoundedModule } from '@fledge/kit'; import { ShelfController } from './shelf/shelf.controller.js'; @BoundedModule({ contract: StockContract, controllers: [StockController, ShelfController], }) export class StockModule {} ",
  );
  // by its alias
  expect(await generate('s', 'count')).toContain('providers: [CountService]');
});

it('still creates what needs no registration', async () => {
  await generate('class', 'box');
  expect(readFileSync(join(workspace.root, 'src/box/box.ts'), 'utf8')).toContain('export class Box');
});
