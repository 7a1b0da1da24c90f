/**
 * Runs schematics of the kit in the folder of an application, as `nest generate` does, in one process: `node
 * schematics.fixture.mjs '[["command", "stock/count"], ["consumer", "stock/watch", "orders.order-placed"]]'`.
 */
import { createRequire } from 'node:module';

const { NodeWorkflow } = createRequire(import.meta.url)('@angular-devkit/schematics/tools/index.js');
const workflow = new NodeWorkflow(process.cwd(), {});
for (const [schematic, name, path] of JSON.parse(process.argv[2])) {
  const options = { name, path, sourceRoot: 'src', language: 'ts', spec: true, flat: false, skipInstall: true };
  await new Promise((resolve, reject) =>
    workflow.execute({ collection: '@fledge/kit', schematic, options }).subscribe({ complete: resolve, error: reject }),
  );
}
