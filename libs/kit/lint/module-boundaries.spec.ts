import { join } from 'node:path';
import { RuleTester } from 'eslint';
import tseslint from 'typescript-eslint';
import { packageJson, SOUND, writeWorkspace } from '../test/workspace.js';
import { moduleBoundaries } from './module-boundaries.js';
import { aliasTarget } from './path-aliases.js';

const { root, remove } = writeWorkspace({
  ...SOUND,
  'libs/kit/package.json': packageJson('@fledge/kit', {
    '.': './src/index.ts',
    './contract': './src/contract/index.ts',
  }),
});
afterAll(remove);

const tester = new RuleTester({ languageOptions: { parser: tseslint.parser } });
const at = (path: string, code: string) => ({ name: `${path}: ${code}`, filename: join(root, path), code });
const bad = (path: string, code: string, message: string) => ({ ...at(path, code), errors: [{ message }] });

tester.run('module-boundaries', moduleBoundaries, {
  valid: [
    at('libs/orders/src/place.ts', "import { Reserve } from '@t/stock/contract';"),
    at(
      'libs/orders/src/place.ts',
      "import { BoundedModule } from '@fledge/kit'; import { IsInt } from 'class-validator'; import { x } from '../contract/index.js';",
    ),
    at(
      'libs/orders/test/place.spec.ts',
      "import { Reserve } from '@t/stock/contract'; import { place } from '../src/place.js';",
    ),
    at(
      'libs/orders/contract/index.ts',
      "import { defineContract } from '@fledge/kit/contract'; import { Reserved } from '@t/stock/contract'; export * from './errors.js';",
    ),
    at('apps/shop/src/modules.ts', "const load = () => import('@t/stock');"),
    at(
      'apps/shop/src/main.ts',
      "import { StockContract } from '@t/stock/contract'; import { modules } from './modules.js';",
    ),
    // outside any package, like configuration
    at('jest.config.mjs', "import { x } from './libs/stock/src/x.js';"),
  ],
  invalid: [
    bad(
      'libs/orders/src/bad.ts',
      "import { StockModule } from '@t/stock';",
      "'@t/stock' belongs to the inside of another module. Allowed is '@t/stock/contract': call the module by a message of its contract.",
    ),
    bad(
      'libs/orders/src/modules.ts',
      "const load = () => import('@t/stock');",
      "'@t/stock' belongs to the inside of another module. Allowed is '@t/stock/contract': call the module by a message of its contract.",
    ),
    bad(
      'libs/orders/src/bad.ts',
      "export * from '@t/stock/src/stock.row.js';",
      "'@t/stock/src/stock.row.js' belongs to the inside of another module. Allowed is '@t/stock/contract': call the module by a message of its contract.",
    ),
    bad(
      'libs/orders/src/bad.ts',
      "type Row = import('@t/stock').StockRow;",
      "'@t/stock' belongs to the inside of another module. Allowed is '@t/stock/contract': call the module by a message of its contract.",
    ),
    bad(
      'libs/orders/src/bad.cts',
      "const stock = require('@t/stock');",
      "'@t/stock' belongs to the inside of another module. Allowed is '@t/stock/contract': call the module by a message of its contract.",
    ),
    bad(
      'libs/orders/src/bad.ts',
      "import { StockRow } from '../../stock/src/stock.row.js';",
      "'../../stock/src/stock.row.js' leaves the package @t/orders. Import '@t/stock/contract' by its name.",
    ),
    bad(
      'libs/orders/src/bad.ts',
      "import settings from '../../../settings.js';",
      "'../../../settings.js' leaves the package @t/orders. Import 'a package' by its name.",
    ),
    bad(
      'apps/shop/src/modules.ts',
      "import { StockRow } from '@t/stock/src/stock.row.js';",
      "'@t/stock/src/stock.row.js' is not exported. Allowed: '@t/stock/contract', '@t/stock'.",
    ),
    bad(
      'libs/orders/src/bad.ts',
      "import { x } from '@fledge/kit/src/bus/index.js';",
      "'@fledge/kit/src/bus/index.js' is not exported. Allowed: '@fledge/kit', '@fledge/kit/contract'.",
    ),
    bad(
      'apps/shop/src/main.ts',
      "import { StockModule } from '@t/stock';",
      "'@t/stock' is a module's code. Only an application's modules.ts loads it; others import '@t/stock/contract'.",
    ),
    bad(
      'libs/stock/contract/bad.ts',
      "import type { StockRow } from '../src/stock.row.js';",
      "A contract imports nothing from the inside of its module: move what it needs from '../src/stock.row.js' into contract/.",
    ),
    bad(
      'libs/stock/contract/bad.ts',
      "import { StockModule } from '@t/stock';",
      "A contract imports nothing from the inside of its module: move what it needs from '@t/stock' into contract/.",
    ),
    bad(
      'libs/stock/contract/bad.ts',
      "import { BoundedModule } from '@fledge/kit';",
      "A contract imports nothing of the kit but '@fledge/kit/contract'.",
    ),
  ],
});

const pnpm = writeWorkspace({
  ...SOUND,
  'package.json': '{ "name": "root" }',
  'pnpm-workspace.yaml': "packages: ['libs/*', 'apps/*']",
});
afterAll(pnpm.remove);

tester.run('module-boundaries in a workspace of pnpm', moduleBoundaries, {
  valid: [
    { filename: join(pnpm.root, 'libs/orders/src/place.ts'), code: "import { Reserve } from '@t/stock/contract';" },
  ],
  invalid: [
    {
      filename: join(pnpm.root, 'libs/orders/src/bad.ts'),
      code: "import { StockModule } from '@t/stock';",
      errors: [
        {
          message:
            "'@t/stock' belongs to the inside of another module. Allowed is '@t/stock/contract': call the module by a message of its contract.",
        },
      ],
    },
  ],
});

const single = writeWorkspace({
  'package.json': '{ "name": "single" }',
  'src/stock/contract/index.ts': 'defineContract({});',
  'src/stock/level.ts': '',
  // a folder with that name is not a module
  'src/stock/domain/contract/terms.ts': '',
  'src/orders/contract.ts': 'defineContract({});',
  'src/tests/contract.ts': 'defineContract({});',
  'src/tests/grade.ts': '',
  'src/orders/place.ts': '',
});
afterAll(single.remove);

const inFolder = (path: string, code: string) => ({
  name: `${path}: ${code}`,
  filename: join(single.root, path),
  code,
});
const badInFolder = (path: string, code: string, message: string) => ({
  ...inFolder(path, code),
  errors: [{ message }],
});

tester.run('module-boundaries in an application of one package', moduleBoundaries, {
  valid: [
    inFolder(
      'src/orders/place.ts',
      "import { GetLevel } from '../stock/contract/index.js'; import { x } from './inside.js'; import { y } from '../shared/y.js';",
    ),
    inFolder('src/application.ts', "const load = () => import('./stock/stock.module.js');"),
    inFolder('src/app.module.ts', "import { StockModule } from './stock/stock.module.js';"),
    inFolder('src/library.application.ts', "const load = () => import('./stock/stock.module.js');"),
    inFolder(
      'src/stock/contract/index.ts',
      "import { defineContract } from '@fledge/kit/contract'; import { OrderPlaced } from '../../orders/contract.js'; export * from './events.js';",
    ),
    inFolder(
      'src/stock/domain/level.ts',
      "import { Row } from '../row.js'; import { terms } from './contract/terms.js';",
    ),
    inFolder('src/stock/level.spec.ts', "import { Order } from '../orders/order.entity.js';"),
    inFolder('src/orders/orders.application.ts', "const load = () => import('../stock/stock.module.js');"),
    inFolder('test/orders.e2e.ts', "import { Order } from '../src/orders/order.entity.js';"),
  ],
  invalid: [
    // a module called `tests` counted as tests, and nothing in it was checked
    badInFolder(
      'src/tests/grade.ts',
      "import { Level } from '../stock/level.js';",
      "'../stock/level.js' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
    ),
    badInFolder(
      'src/orders/place.ts',
      "import { Level } from '../stock/level.js';",
      "'../stock/level.js' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
    ),
    badInFolder(
      'src/orders/place.ts',
      "import { Level } from '../stock';",
      "'../stock' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
    ),
    badInFolder(
      'src/orders/deep/place.ts',
      "const level = import('../../stock/level.js');",
      "'../../stock/level.js' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
    ),
    badInFolder(
      'src/main.ts',
      "import { StockModule } from './stock/stock.module.js';",
      "'./stock/stock.module.js' is the code of the module stock. Only the file with the application's list of modules, application.ts or modules.ts, loads it.",
    ),
    badInFolder(
      'src/stock/contract/index.ts',
      "import { Level } from '../level.js';",
      "A contract imports nothing from the inside of its module: move what it needs from '../level.js' into contract/.",
    ),
    badInFolder(
      'src/orders/contract.ts',
      "import { BoundedModule } from '@fledge/kit';",
      "A contract imports nothing of the kit but '@fledge/kit/contract'.",
    ),
  ],
});

const nest = writeWorkspace({
  'package.json': '{ "name": "nest" }',
  'tsconfig.json':
    '{ "compilerOptions": { "paths": { "@app/stock": ["./libs/stock/src"], "@app/stock/*": ["./libs/stock/src/*"], "*": ["./typings/*"] } } } // by nest generate library',
  'libs/stock/src/contract/index.ts': 'defineContract({});',
  'libs/stock/src/index.ts': '',
  'libs/stock/src/level.ts': '',
  'libs/orders/src/contract/index.ts': 'defineContract({});',
});
afterAll(nest.remove);

const aliased = (path: string, code: string) => ({ name: `${path}: ${code}`, filename: join(nest.root, path), code });

tester.run('module-boundaries in the monorepo mode of Nest', moduleBoundaries, {
  valid: [
    aliased(
      'libs/orders/src/place.ts',
      "import { GetLevel } from '@app/stock/contract'; import { Module } from '@nestjs/common';",
    ),
    aliased('apps/shop/src/modules.ts', "const load = () => import('@app/stock');"),
  ],
  invalid: [
    {
      ...aliased('libs/orders/src/contract/index.ts', "import { BoundedModule } from '@fledge/kit';"),
      errors: [{ message: "A contract imports nothing of the kit but '@fledge/kit/contract'." }],
    },
    {
      ...aliased('libs/orders/src/place.ts', 'const level = import(`@app/stock/level`);'),
      errors: [
        {
          message:
            "'@app/stock/level' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
        },
      ],
    },
    {
      ...aliased('libs/orders/src/place.ts', "import { Level } from '@app/stock/level';"),
      errors: [
        {
          message:
            "'@app/stock/level' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
        },
      ],
    },
    {
      ...aliased('libs/orders/src/place.ts', "import { StockModule } from '@app/stock';"),
      errors: [
        {
          message:
            "'@app/stock' belongs to the inside of the module stock. Allowed is its contract/: call the module by a message of its contract.",
        },
      ],
    },
    {
      ...aliased('apps/shop/src/main.ts', "import { StockModule } from '@app/stock';"),
      errors: [
        {
          message:
            "'@app/stock' is the code of the module stock. Only the file with the application's list of modules, application.ts or modules.ts, loads it.",
        },
      ],
    },
  ],
});

describe('the names by which files of one package import each other', () => {
  const level = 'src/stock/level.ts';
  it.each<[string, Record<string, string>, string]>([
    ['`baseUrl` alone', { 'tsconfig.json': '{ "compilerOptions": { "baseUrl": "./" } }' }, 'src/stock/level'],
    [
      '`paths` here with `baseUrl` above',
      {
        'tsconfig.json': '{ "extends": "./base", "compilerOptions": { "paths": { "@stock/*": ["stock/*"] } } }',
        'base.json': '{ "compilerOptions": { "baseUrl": "./src" } }',
      },
      '@stock/level',
    ],
    [
      'the first of several that are extended',
      {
        'tsconfig.json': '{ "extends": ["./a.json", "./b.json"] }',
        'a.json': '{ "compilerOptions": { "paths": { "@stock/*": ["./src/stock/*"] } } }',
        'b.json': '{}',
      },
      '@stock/level',
    ],
    [
      'a package that is extended',
      {
        'tsconfig.json': '{ "extends": "@tsc/base" }',
        'node_modules/@tsc/base/tsconfig.json':
          '{ "compilerOptions": { "paths": { "@stock/*": ["${configDir}/src/stock/*"] } } }',
      },
      '@stock/level',
    ],
    [
      '`imports` of the package.json',
      {
        'package.json':
          '{ "imports": { "#stock/*": { "types": "./src/stock/*.ts", "default": "./dist/stock/*.js" } } }',
      },
      '#stock/level',
    ],
    [
      'a tsconfig.json with comments, a URL and a comma at the end',
      {
        'tsconfig.json':
          '// see https://t.test\n{ "$schema": "https://t.test//x", "compilerOptions": { /* "paths": {} */ "paths": { "@stock/*": ["./src/stock/*"], }, } }',
      },
      '@stock/level',
    ],
  ])('are known from %s', (_, files, specifier) => {
    const app = writeWorkspace({ 'package.json': '{}', [level]: '', ...files });
    try {
      expect(aliasTarget(join(app.root, 'src/orders'), specifier)?.replace(/\.ts$/, '')).toBe(
        join(app.root, 'src/stock/level'),
      );
      expect(aliasTarget(join(app.root, 'src/orders'), '@nestjs/common')).toBeUndefined();
    } finally {
      app.remove();
    }
  });

  it.each([
    ['{ "compilerOptions": null }'],
    [''],
    ['{ "extends": "./tsconfig.json" }'],
    ['{ "compilerOptions": { "paths": null } }'],
  ])('are not found in %j', (text) => {
    const app = writeWorkspace({ 'package.json': '{}', 'tsconfig.json': text });
    try {
      expect(aliasTarget(app.root, '@stock/level')).toBeUndefined();
    } finally {
      app.remove();
    }
  });

  it('are not guessed from a file that cannot be read', () => {
    const app = writeWorkspace({ 'package.json': '{}', 'tsconfig.json': '{ "compilerOptions": ' });
    try {
      expect(() => aliasTarget(app.root, '@stock/level')).toThrow(`${join(app.root, 'tsconfig.json')} cannot be read`);
    } finally {
      app.remove();
    }
  });
});
