import { fileURLToPath } from 'node:url';
import { type Files, packageJson, SOUND, type TestWorkspace, writeWorkspace } from '../../test/workspace.js';
import { describeVerification, type Rule, type BoundaryViolation, verifyWorkspace } from './index.js';
import { loadCompiler } from './verify-workspace.js';

let workspace: TestWorkspace | undefined;
afterEach(() => {
  workspace?.remove();
  workspace = undefined;
});

async function violationsOf(changes: Files): Promise<readonly BoundaryViolation[]> {
  workspace = writeWorkspace({ ...SOUND, ...changes });
  return (await verifyWorkspace(workspace.root)).violations;
}

/** A violation in short form: what a reader looks for first. */
function short({ rule, source, target, file, line, fact }: BoundaryViolation): string {
  return `${rule} ${source} → ${target} ${file}:${line} ${fact}`;
}

describe('a sound workspace', () => {
  it('passes', async () => {
    expect((await violationsOf({})).map(short)).toEqual([]);
  });

  it('may be a pnpm workspace', async () => {
    const pnpm = {
      'package.json': '{ "name": "root" }',
      'pnpm-workspace.yaml': "packages:\n  - 'libs/*'\n  - apps/*\n  - '!**/old/**'\n",
    };
    expect((await violationsOf(pnpm)).map(short)).toEqual([]);
    expect(
      await violationsOf({
        ...pnpm,
        'libs/orders/src/bad.ts': "import { StockRow } from '@t/stock/src/stock.row.js';",
      }),
    ).not.toEqual([]);
  });

  it.each([['["**"]'], ['["li*/*", "apps/**"]'], ['["./libs/*/", "apps/*"]'], ['["**", "!**/old/**"]']])(
    'is found by the patterns %s',
    async (patterns) => {
      const changes = {
        'package.json': `{ "workspaces": ${patterns} }`,
        ...(patterns.includes('!') && {
          'libs/old/stock/package.json': packageJson('@old/stock'),
          'libs/old/stock/contract/index.ts': SOUND['libs/stock/contract/index.ts'],
        }),
      };
      expect((await violationsOf(changes)).map(short)).toEqual([]);
      workspace?.remove();
      expect(
        (await violationsOf({ ...changes, 'libs/orders/src/bad.ts': "import { StockModule } from '@t/stock';" })).map(
          ({ rule }) => rule,
        ),
      ).toEqual(['contract-only']);
    },
  );

  it('is the shop, whose modules are found automatically', async () => {
    const shop = await verifyWorkspace(fileURLToPath(new URL('../../../../', import.meta.url)));
    expect(describeVerification(shop)).toMatch(
      /^fledge verify: \d+ modules \([^)]*catalog, .*identity, .*inventory, .*ordering[^)]*\), \d+ files, no violations\n$/,
    );
  });

  // An application's kit is not a package of its workspace, and its contracts could import all of it.
  it('is held to the contract of an installed kit', async () => {
    expect(
      (await violationsOf({ 'libs/stock/contract/bad.ts': `import { BoundedModule } from '@fledge/kit';` })).map(short),
    ).toEqual([
      "contract-alone stock → @fledge/kit libs/stock/contract/bad.ts:1 the contract of stock imports '@fledge/kit'",
    ]);
  });

  it.each([
    [
      'the application says that it is open',
      'apps/shop/src/app.ts',
      "export const app = { access: 'open', modules: [] };",
    ],
    [
      'all modules import Authentication',
      'apps/shop/src/app.ts',
      'export const auth = () => [Authentication.by(Guard)];',
    ],
    [
      'its module imports Authentication',
      'libs/orders/src/auth.ts',
      'export const auth = Authentication.verifiedBy(Keys);',
    ],
  ])('may have routes without a rule if %s', async (_why, file, text) => {
    const controller = `@Controller('orders') export class OrdersController { @Get() list() {} }`;
    const changes = { 'libs/orders/src/orders.controller.ts': controller, [file]: text };
    expect((await violationsOf(changes)).map(short)).toEqual([]);
  });

  it('may import types, and contain words and comments that only look like a violation', async () => {
    const changes = {
      'libs/orders/src/words.ts': `
        // import { StockRow } from '@t/stock/src/stock.row.js'; SELECT 1 FROM stock.levels
        import type { Reserve } from '@t/stock/contract';
        import type { ClientConfig } from 'pg';
        export type { QueryResult } from 'pg';
        export { type PoolConfig } from 'pg';
        import { type DataSource, Table } from 'typeorm';
        import { createConnection } from 'node:net';
        export const socket = createConnection({ port: 1 });
        export const hint = 'Set role of the user to staff, or reset role names';
        export const buttons = ['Reset all', 'Set role admin', 'Discard all'];
        export const name = 'stock.reserve.v1';
        export const said = 'Update it from stock.reserve-more.v1, please';
        export const sql = "SELECT 'stock.levels' /* from stock.levels */ FROM my_stock.levels, stocks";
        export type R = Reserve;`,
      'libs/orders/test/orders.spec.ts': `import { StockContract } from '@t/stock/contract';`,
    };
    expect((await violationsOf(changes)).map(short)).toEqual([]);
  });
});

interface BadModule {
  readonly breach: string;
  readonly rule: Rule;
  readonly changes: Files;
  readonly says: readonly string[];
}

const ORDERS_MODULE = (uses: string, imports = ''): string => `
import { BoundedModule } from '@fledge/kit';
${imports}
import { OrdersContract } from '../contract/index.js';
@BoundedModule({ contract: OrdersContract, uses: ${uses} }) export class OrdersModule {}`;

const BAD: readonly BadModule[] = [
  {
    breach: "a module imports another's Nest module",
    rule: 'contract-only',
    changes: { 'libs/orders/src/bad.ts': `import { StockModule } from '@t/stock';` },
    says: ["orders → stock libs/orders/src/bad.ts:1 orders imports '@t/stock' of stock"],
  },
  {
    breach: "a module reaches into another's files",
    rule: 'contract-only',
    changes: { 'libs/orders/src/bad.ts': `\nexport const load = () => import('@t/stock/src/stock.row.js');` },
    says: ["orders → stock libs/orders/src/bad.ts:2 orders imports '@t/stock/src/stock.row.js' of stock"],
  },
  {
    breach: "a module's test imports another's Nest module",
    rule: 'contract-only',
    changes: { 'libs/orders/test/bad.spec.ts': `import { StockModule } from '@t/stock';` },
    says: ["orders → stock libs/orders/test/bad.spec.ts:1 orders imports '@t/stock' of stock"],
  },
  {
    breach: "a module leaves its package for another's",
    rule: 'leaves-package',
    changes: { 'libs/orders/src/bad.ts': `export * from '../../stock/src/stock.row.js';` },
    says: [
      "orders → stock libs/orders/src/bad.ts:1 '../../stock/src/stock.row.js' leaves the package @t/orders for libs/stock/src/stock.row.js",
    ],
  },
  {
    breach: 'a module computes what it imports',
    rule: 'computed-import',
    changes: {
      'libs/orders/src/bad.ts': 'export const load = (name: string) =>\n  import(`../../${name}/src/index.js`);',
    },
    says: [
      'orders → orders libs/orders/src/bad.ts:2 orders imports what only running it tells: `../../${name}/src/index.js`',
    ],
  },
  {
    breach: 'a module makes a `require` of its own',
    rule: 'computed-import',
    changes: { 'libs/orders/src/bad.ts': `import { createRequire as load } from 'node:module';` },
    says: ["orders → orders libs/orders/src/bad.ts:1 orders imports what only running it tells: by 'node:module'"],
  },
  {
    breach: 'an application reaches into a module',
    rule: 'deep-import',
    changes: { 'apps/shop/src/modules.ts': `const row: import('@t/stock/src/stock.row.js').StockRow;` },
    says: ["@t/shop → stock apps/shop/src/modules.ts:1 '@t/stock/src/stock.row.js' reaches into @t/stock"],
  },
  {
    breach: "an application's file other than its list imports a module",
    rule: 'module-list-only',
    changes: { 'apps/shop/src/main.ts': `import { StockModule } from '@t/stock';` },
    says: ['@t/shop → stock apps/shop/src/main.ts:1 apps/shop/src/main.ts imports the code of stock'],
  },
  {
    breach: 'a contract imports from inside its module',
    rule: 'contract-alone',
    changes: { 'libs/stock/contract/bad.view.ts': `import type { StockRow } from '../src/stock.row.js';` },
    says: [
      "stock → stock libs/stock/contract/bad.view.ts:1 the contract of stock imports '../src/stock.row.js', which is the module's inside",
    ],
  },
  {
    breach: "a contract imports its module by the package's name",
    rule: 'contract-alone',
    changes: { 'libs/stock/contract/bad.view.ts': `import { StockModule } from '@t/stock';` },
    says: ["stock → stock libs/stock/contract/bad.view.ts:1 the contract of stock imports '@t/stock'"],
  },
  {
    breach: 'a contract imports more of the kit than its contract',
    rule: 'contract-alone',
    changes: {
      'libs/kit/package.json': packageJson('@fledge/kit', {
        '.': './src/index.ts',
        './contract': './src/contract/index.ts',
      }),
      'libs/stock/contract/bad.view.ts': `import { BoundedModule } from '@fledge/kit';`,
    },
    says: ["stock → @fledge/kit libs/stock/contract/bad.view.ts:1 the contract of stock imports '@fledge/kit'"],
  },
  {
    breach: 'a module imports a contract that its `uses` does not name',
    rule: 'uses-missing',
    changes: { 'libs/orders/src/orders.module.ts': ORDERS_MODULE('[]') },
    says: [
      "orders → stock libs/orders/src/place.ts:2 orders imports '@t/stock/contract', and its `uses` does not name the contract of stock",
    ],
  },
  {
    breach: 'a module names in `uses` what it imports nothing of',
    rule: 'uses-superfluous',
    changes: { 'libs/orders/src/place.ts': undefined },
    says: [
      'orders → stock libs/orders/src/orders.module.ts:5 `uses` of orders names the contract of stock, of which nothing is imported',
    ],
  },
  {
    breach: '`uses` is computed',
    rule: 'uses-unreadable',
    changes: {
      'libs/orders/src/orders.module.ts': ORDERS_MODULE(
        'contracts()',
        `import { StockContract } from '@t/stock/contract';`,
      ),
    },
    says: [
      'orders → orders libs/orders/src/orders.module.ts:5 `uses` of orders is no plain list of imported contracts, so it cannot be checked',
    ],
  },
  {
    breach: 'two modules use each other',
    rule: 'cycle',
    changes: {
      'libs/stock/src/stock.module.ts': `
        import { GetOrder, OrdersContract } from '@t/orders/contract';
        @BoundedModule({ contract: StockContract, uses: [OrdersContract] }) export class StockModule {}`,
    },
    says: [
      'orders → stock libs/orders/src/orders.module.ts:5 the modules depend on each other in a round: orders → stock → orders',
    ],
  },
  {
    breach: "a package exports more than a module's two faces",
    rule: 'exports',
    changes: {
      'libs/stock/package.json': packageJson('@t/stock', {
        './contract': './contract/index.ts',
        '.': './src/index.ts',
        './rows': './src/stock.row.ts',
      }),
    },
    says: ["stock → stock libs/stock/package.json:4 @t/stock exports './contract', '.', './rows'"],
  },
  {
    breach: 'a module does not export its contract',
    rule: 'exports',
    changes: {
      'libs/stock/package.json': packageJson('@t/stock', { '.': './src/index.ts' }),
      'libs/orders/src/place.ts': undefined,
      'libs/orders/src/orders.module.ts': ORDERS_MODULE('[]'),
      'apps/shop/src/modules.ts': undefined,
    },
    says: ["stock → stock libs/stock/package.json:4 @t/stock exports '.'"],
  },
  {
    breach: 'a package without exports has a contract',
    rule: 'exports',
    changes: { 'libs/stock/package.json': JSON.stringify({ name: '@t/stock' }) },
    says: ['stock → stock libs/stock/package.json:1 @t/stock exports everything (it has no "exports")'],
  },
  {
    breach: 'an entity names a schema',
    rule: 'foreign-schema',
    changes: { 'libs/orders/src/bad.row.ts': `@Entity({ name: 'levels', schema: 'stock' }) export class Bad {}` },
    says: ["orders → stock libs/orders/src/bad.row.ts:1 orders declares a table in the schema 'stock'"],
  },
  {
    breach: 'an entity names a schema in its table',
    rule: 'foreign-schema',
    changes: { 'libs/orders/src/bad.row.ts': `@Entity('stock.stock_levels') export class Bad {}` },
    says: ["orders → stock libs/orders/src/bad.row.ts:1 orders declares a table in the schema 'stock'"],
  },
  {
    breach: "SQL joins another module's table",
    rule: 'foreign-schema',
    changes: {
      'libs/orders/src/bad.ts':
        'export const sql = `\n  SELECT ${columns}\n  FROM orders o JOIN "stock"."stock_levels" s ON s.id = o.id`;',
    },
    says: [
      'orders → stock libs/orders/src/bad.ts:3 SQL of orders names "stock"."stock_levels", which belongs to stock',
    ],
  },
  {
    breach: "SQL put together of pieces names another module's table",
    rule: 'foreign-schema',
    changes: { 'libs/orders/src/bad.ts': `export const sql = 'UPDATE ' + 'stock.stock_levels' + ' SET quantity = 0';` },
    says: ['orders → stock libs/orders/src/bad.ts:1 SQL of orders names stock.stock_levels, which belongs to stock'],
  },
  {
    breach: "a query builder takes another module's table",
    rule: 'foreign-schema',
    changes: {
      'libs/orders/src/bad.ts': `builder.from('stock.stock_levels', 's').where('stock.stock_levels.quantity > 0');`,
    },
    says: ['orders → stock libs/orders/src/bad.ts:1 SQL of orders names stock.stock_levels, which belongs to stock'],
  },
  {
    breach: "SQL moves into another module's schema",
    rule: 'foreign-schema',
    changes: { 'libs/orders/src/bad.ts': `export const sql = "SET search_path TO orders, 'stock'";` },
    says: ['orders → stock libs/orders/src/bad.ts:1 SQL of orders names search_path stock, which belongs to stock'],
  },
  {
    breach: "a migration's foreign key leads to another module's table",
    rule: 'foreign-key',
    changes: {
      'libs/orders/src/migrations/1-bad.ts':
        'await runner.query(`\n  CREATE TABLE lines (\n    stock_id uuid REFERENCES stock.stock_levels (id)\n  )`);',
    },
    says: [
      'orders → stock libs/orders/src/migrations/1-bad.ts:3 a foreign key of orders leads to stock.stock_levels, which belongs to stock',
    ],
  },
  {
    breach: "a migration in SQL has a foreign key to another module's table",
    rule: 'foreign-key',
    changes: {
      'libs/orders/src/migrations/1-bad.sql':
        'ALTER TABLE lines ADD FOREIGN KEY (stock_id)\nREFERENCES stock.stock_levels;',
    },
    says: [
      'orders → stock libs/orders/src/migrations/1-bad.sql:2 a foreign key of orders leads to stock.stock_levels, which belongs to stock',
    ],
  },
  {
    breach: 'a module opens a database of its own',
    rule: 'own-database',
    changes: {
      'libs/orders/src/bad.ts': `import { Client } from 'pg';\nimport { DataSource } from 'typeorm';\nexport const mine = new DataSource({});\nexport { type QueryResult, Pool } from 'pg';`,
    },
    says: [
      "orders → orders libs/orders/src/bad.ts:1 orders imports the database client 'pg'",
      'orders → orders libs/orders/src/bad.ts:3 orders opens a database of its own by DataSource',
      "orders → orders libs/orders/src/bad.ts:4 orders imports the database client 'pg'",
    ],
  },
  {
    breach: 'SQL of a module changes its role',
    rule: 'changed-role',
    changes: {
      'libs/orders/src/bad.ts': [
        'await source.query(`reset role`);',
        'await source.query(\'select 1; SET ROLE "stock"; select 2\');',
        'await source.query(`do $$ begin set local role none; end $$`);',
        `await source.query("select set_config('role', 'stock', false)");`,
        'await source.query(`set session authorization ${owner}`);',
        "await source.query('RESET ALL');",
        "await source.query('select 1; Reset all');",
      ].join('\n'),
    },
    says: [
      'orders → orders libs/orders/src/bad.ts:1 SQL of orders changes who it is: reset role',
      'orders → orders libs/orders/src/bad.ts:2 SQL of orders changes who it is: SET ROLE "stock"',
      'orders → orders libs/orders/src/bad.ts:3 SQL of orders changes who it is: set local role none',
      "orders → orders libs/orders/src/bad.ts:4 SQL of orders changes who it is: set_config('role'",
      'orders → orders libs/orders/src/bad.ts:5 SQL of orders changes who it is: set session authorization ?',
      'orders → orders libs/orders/src/bad.ts:6 SQL of orders changes who it is: RESET ALL',
      'orders → orders libs/orders/src/bad.ts:7 SQL of orders changes who it is: Reset all',
    ],
  },
  {
    breach: 'a contract holds an entity, and another module relates to it',
    rule: 'foreign-entity',
    changes: {
      'libs/stock/contract/bad.row.ts': `@Entity('levels') export class LevelRow {}`,
      'libs/orders/src/bad.row.ts': `import { LevelRow } from '@t/stock/contract';\nexport class Line { @ManyToOne(() => LevelRow) level; }`,
    },
    says: [
      'orders → stock libs/orders/src/bad.row.ts:2 orders uses LevelRow of stock as an entity',
      'stock → stock libs/stock/contract/bad.row.ts:1 the contract of stock holds the entity LevelRow, with which others would reach its tables',
    ],
  },
  {
    breach: 'two modules have one name',
    rule: 'module-twice',
    changes: { 'libs/stock/contract/again.ts': `export const Again = defineContract({ name: 'orders' });` },
    says: [
      "orders → orders libs/stock/contract/again.ts:1 @t/stock claims the name 'orders', which libs/orders/contract/index.ts:4 of @t/orders has",
    ],
  },
  {
    breach: 'two messages have one wire name',
    rule: 'wire-name-twice',
    changes: {
      'libs/stock/contract/again.query.ts': `@QueryContract('orders.get-order.v1', { access: { identity: 'required' } }) export class Again {}`,
    },
    says: [
      "stock → orders libs/stock/contract/again.query.ts:1 @t/stock claims the wire name 'orders.get-order.v1', which libs/orders/contract/index.ts:3 of @t/orders has",
    ],
  },
  {
    breach: 'two modules own one route',
    rule: 'route-twice',
    changes: {
      'libs/stock/contract/index.ts': `export class Reserve {}\nexport const StockContract = defineContract({ name: 'stock', routes: ['/stock', '/orders'] });`,
    },
    says: [
      "stock → orders libs/stock/contract/index.ts:2 @t/stock claims the route '/orders', which libs/orders/contract/index.ts:4 of @t/orders has",
    ],
  },
  {
    breach: 'nothing says who may use a message or a route',
    rule: 'access-undeclared',
    changes: {
      'libs/orders/contract/place.ts': `@CommandContract('orders.place.v1', { result: Order }) export class Place {}`,
      'libs/orders/src/orders.controller.ts': `
        @Controller('orders') export class OrdersController { @Get() list() {} @Public() @Post() place() {} }
        @Public() @Controller('orders/open') export class OpenController { @Get() list() {} @Get('x') @Authenticated() x() {} }
        export class Other { @Get() list() {} }`,
    },
    says: [
      "orders → orders libs/orders/contract/place.ts:1 nothing says who may send 'orders.place.v1'",
      'orders → orders libs/orders/src/orders.controller.ts:2 nothing says who may use the route OrdersController.list',
      'orders → orders libs/orders/src/orders.controller.ts:3 nothing says who may use the route OpenController.x',
    ],
  },
  {
    breach: 'two modules own one route, with parameters of different names',
    rule: 'route-twice',
    changes: {
      'libs/stock/contract/index.ts': `export class Reserve {}\nexport const StockContract = defineContract({ name: 'stock', routes: ['/a/:id/b', '/a/:key/b'] });`,
    },
    says: [
      "stock → stock libs/stock/contract/index.ts:2 @t/stock claims the route '/a/:key/b', which libs/stock/contract/index.ts:2 of @t/stock has",
    ],
  },
];

describe('a bad workspace', () => {
  it.each(BAD)('is refused when $breach', async ({ rule, changes, says }) => {
    expect((await violationsOf(changes)).map(short)).toEqual(says.map((text) => `${rule} ${text}`));
  });

  it('has a case here for every rule', () => {
    const rules: Record<Rule, true> = {
      exports: true,
      'contract-only': true,
      'leaves-package': true,
      'deep-import': true,
      'module-list-only': true,
      'contract-alone': true,
      'computed-import': true,
      'uses-missing': true,
      'uses-superfluous': true,
      'uses-unreadable': true,
      cycle: true,
      'own-database': true,
      'changed-role': true,
      'foreign-schema': true,
      'foreign-key': true,
      'foreign-entity': true,
      'module-twice': true,
      'wire-name-twice': true,
      'route-twice': true,
      'access-undeclared': true,
    };
    expect([...new Set(BAD.map(({ rule }) => rule))].sort()).toEqual(Object.keys(rules).sort());
  });

  it('is reported in full: every violation with source, target, what is allowed, and the fix', async () => {
    workspace = writeWorkspace({
      ...SOUND,
      'libs/orders/src/bad.ts': `import { StockModule } from '@t/stock';\nexport const sql = 'SELECT 1 FROM stock.stock_levels';`,
    });
    expect(describeVerification(await verifyWorkspace(workspace.root))).toBe(
      [
        'libs/orders/src/bad.ts:1  contract-only  orders → stock',
        "    orders imports '@t/stock' of stock",
        "    allowed: '@t/stock/contract'",
        '    cure:    Call stock through CommandBus or QueryBus by a message of its contract; if there is none, add it there.',
        '',
        'libs/orders/src/bad.ts:2  foreign-schema  orders → stock',
        '    SQL of orders names stock.stock_levels, which belongs to stock',
        '    allowed: tables of its own schema',
        '    cure:    Ask the contract of stock, or keep a copy of what its events report.',
        '',
        'fledge verify: 2 modules (orders, stock), 10 files, 2 violations',
        '',
      ].join('\n'),
    );
  });
});

describe('what cannot be verified', () => {
  it('is a folder without a package.json', async () => {
    workspace = writeWorkspace({ 'src/a.ts': '' });
    await expect(verifyWorkspace(workspace.root)).rejects.toMatchObject({
      code: 'fledge.startup.workspace',
      message: expect.stringContaining(`${workspace.root}/package.json cannot be read`) as string,
    });
  });

  // All packages were treated as one module.
  it('is a workspace whose patterns match no package', async () => {
    workspace = writeWorkspace({ ...SOUND, 'package.json': '{ "workspaces": ["packages/*"] }' });
    await expect(verifyWorkspace(workspace.root)).rejects.toMatchObject({
      code: 'fledge.startup.workspace',
      message: `the workspace in ${workspace.root} has no package at packages/*`,
    });
  });

  // It reported that there were no violations.
  it('is an application without a module', async () => {
    workspace = writeWorkspace({ 'package.json': '{}', 'src/contract/index.ts': 'export const clauses = [];' });
    await expect(verifyWorkspace(workspace.root)).rejects.toMatchObject({
      code: 'fledge.startup.no-modules',
      message: `there is no module in ${workspace.root}`,
    });
  });

  it('is anything without TypeScript', async () => {
    await expect(loadCompiler('/somewhere', () => undefined)).rejects.toMatchObject({
      code: 'fledge.startup.typescript',
      message: 'TypeScript, which reads the sources, is not installed in /somewhere',
      hint: 'Install it: npm install --save-dev typescript. A production image does not need it.',
    });
  });
});
