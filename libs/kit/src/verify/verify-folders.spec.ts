import { type Files, SOUND, type TestWorkspace, writeWorkspace } from '../../test/workspace.js';
import { type BoundaryViolation, verifyWorkspace } from './index.js';

let workspace: TestWorkspace | undefined;
afterEach(() => {
  workspace?.remove();
  workspace = undefined;
});

/** A violation in short form: what a reader looks for first. */
function short({ rule, source, target, file, line, fact }: BoundaryViolation): string {
  return `${rule} ${source} → ${target} ${file}:${line} ${fact}`;
}

/** An application of one package, whose modules are folders. */
const FOLDERS: Files = {
  'package.json': JSON.stringify({ name: 'library', type: 'module' }),
  'src/stock/contract/index.ts': SOUND['libs/stock/contract/index.ts'],
  'src/stock/stock.row.ts': SOUND['libs/stock/src/stock.row.ts'],
  'src/stock/stock.module.ts': `
    import { StockContract } from './contract/index.js';
    @BoundedModule({ contract: StockContract }) export class StockModule {}`,
  'src/orders/contract.ts': SOUND['libs/orders/contract/index.ts'],
  'src/orders/orders.module.ts': `
    import { StockContract } from '../stock/contract/index.js';
    import { OrdersContract } from './contract.js';
    @BoundedModule({ contract: OrdersContract, uses: [StockContract] }) export class OrdersModule {}`,
  'src/orders/place.ts': `
    import { money } from '../money.js';
    import { Reserve } from '../stock/contract/index.js';
    export const place = (bus) => bus.execute(new Reserve());`,
  'src/money.ts': 'export const money = 1;',
  'src/application.ts': `
    import { OrdersContract } from './orders/contract.js';
    export const modules = [{ contract: OrdersContract, load: () => import('./orders/orders.module.js') }, { load: () => import('./stock/stock.module.js') }];`,
  'src/main.ts': `import { modules } from './application.js';`,
  // folders with that name are not modules
  'src/law/contract/index.ts': 'export const clauses = [];',
  'src/stock/domain/contract/terms.ts': `import { StockRow } from '../../stock.row.js';`,
  'test/orders.e2e.ts': `import { OrdersModule } from '../src/orders/orders.module.js';`,
};

/** The same in Nest's monorepo mode: one package, and libraries imported by aliases. */
const NEST: Files = {
  'package.json': JSON.stringify({ name: 'nest' }),
  'nest-cli.json': JSON.stringify({
    monorepo: true,
    root: 'apps/shop',
    projects: { shop: { type: 'application', root: 'apps/shop' }, stock: { type: 'library', root: 'libs/stock' } },
  }),
  'tsconfig.base.json': `{
    // as \`nest generate library\` writes it, "base"
    "compilerOptions": { "baseUrl": "./", "paths": { "@app/stock": ["libs/stock/src"], "@app/stock/*": ["libs/stock/src/*"], "@app/orders": ["libs/orders/src"], "@app/orders/*": ["libs/orders/src/*"], } }
  }`,
  'tsconfig.json': '{ "extends": "./tsconfig.base.json", "compilerOptions": { "strict": true } }',
  'libs/stock/src/index.ts': `export * from './stock.module';`,
  'libs/stock/src/contract/index.ts': SOUND['libs/stock/contract/index.ts'],
  'libs/stock/src/stock.module.ts': `import { StockContract } from './contract'; @BoundedModule({ contract: StockContract }) export class StockModule {}`,
  'libs/stock/src/stock.row.ts': SOUND['libs/stock/src/stock.row.ts'],
  'libs/orders/src/index.ts': `export * from './orders.module';`,
  'libs/orders/src/contract/index.ts': SOUND['libs/orders/contract/index.ts'],
  'libs/orders/src/orders.module.ts': `
    import { Reserve, StockContract } from '@app/stock/contract';
    import { OrdersContract } from './contract';
    @BoundedModule({ contract: OrdersContract, uses: [StockContract] }) export class OrdersModule {}`,
  'apps/shop/src/modules.ts': `export const modules = [{ load: () => import('@app/stock') }, { load: () => import('@app/orders') }];`,
  'apps/shop/src/main.ts': `import { modules } from './modules';`,
};

const CONTRACT_ONLY =
  'Call stock through CommandBus or QueryBus by a message of its contract; if there is none, add it there.';

describe.each([
  [
    'an application of one package',
    FOLDERS,
    'src/stock',
    'src/orders/bad.ts',
    '../stock',
    'src/bad.ts',
    './stock/stock.module.js',
  ],
  [
    'an application in the monorepo mode of Nest',
    NEST,
    'libs/stock/src',
    'libs/orders/src/bad.ts',
    '@app/stock',
    'apps/shop/src/bad.ts',
    '@app/stock',
  ],
] as const)('%s', (_, sound, stock, inOrders, specifier, outside, stockModule) => {
  const found = async (changes: Files): Promise<readonly BoundaryViolation[]> => {
    workspace = writeWorkspace({ ...sound, ...changes });
    return (await verifyWorkspace(workspace.root)).violations;
  };

  it('passes when it is sound, and its modules are found by their decorators', async () => {
    workspace = writeWorkspace(sound);
    const { modules, violations } = await verifyWorkspace(workspace.root);
    expect(violations.map(short)).toEqual([]);
    expect(modules).toEqual(['orders', 'stock']);
  });

  it('is refused when a module imports internals of another', async () => {
    const violations = await found({ [inOrders]: `import { StockRow } from '${specifier}/stock.row.js';` });
    expect(violations.map(short)).toEqual([
      `contract-only orders → stock ${inOrders}:1 orders imports '${specifier}/stock.row.js', which is inside of stock`,
    ]);
    expect(violations[0]).toMatchObject({ allowed: `${stock}/contract`, cure: CONTRACT_ONLY });
  });

  it("is refused when a module uses another module's entity", async () => {
    const violations = await found({
      [inOrders]: `import { StockRow } from '${specifier}/stock.row.js';\nexport class Line { @ManyToOne(() => StockRow) stock; }`,
    });
    expect(violations.map(({ rule }) => rule)).toEqual(['contract-only', 'foreign-entity']);
  });

  it('is refused when a file other than the module list imports a module', async () => {
    expect((await found({ [outside]: `import { StockModule } from '${stockModule}';` })).map(short)).toEqual([
      `module-list-only ${sound === NEST ? 'nest' : 'library'} → stock ${outside}:1 ${outside} imports the code of stock`,
    ]);
  });

  it('may have the list of its modules where Nest has it', async () => {
    const list = `${outside.slice(0, outside.lastIndexOf('/'))}/app.module.ts`;
    expect((await found({ [list]: `import { StockModule } from '${stockModule}';` })).map(short)).toEqual([]);
  });

  it("is refused when a contract imports its module's internals, or more of the kit than its contract", async () => {
    const bad = `${stock}/contract/bad.view.ts`;
    expect(
      (
        await found({
          [bad]: `import type { StockRow } from '../stock.row.js';\nimport { BoundedModule } from '@fledge/kit';`,
        })
      ).map(short),
    ).toEqual([
      `contract-alone stock → stock ${bad}:1 the contract of stock imports '../stock.row.js', which is the module's inside`,
      `contract-alone stock → @fledge/kit ${bad}:2 the contract of stock imports '@fledge/kit'`,
    ]);
  });

  it('is refused when `uses` does not match the imports', async () => {
    const module = inOrders.replace('bad', 'orders.module');
    const changed = (sound as Record<string, string>)[module]?.replace('[StockContract]', '[]');
    expect(
      (await found({ [module]: changed })).map(({ rule, source, target }) => `${rule} ${source} → ${target}`),
    ).toEqual(['uses-missing orders → stock']);
  });

  it('is refused when modules depend on each other in a cycle', async () => {
    const changes = {
      [`${stock}/stock.module.ts`]: `
        import { GetOrder, OrdersContract } from '${sound === NEST ? '@app/orders/contract' : '../orders/contract.js'}';
        @BoundedModule({ contract: StockContract, uses: [OrdersContract] }) export class StockModule {}`,
    };
    expect((await found(changes)).map(({ rule }) => rule)).toEqual(['cycle']);
  });
});

// The module that remained when others had moved to their own folders was skipped.
describe('a module made of the files that belong to no other module', () => {
  const REST: Files = {
    ...FOLDERS,
    'src/app.contract.ts': `export const AppContract = defineContract({ name: 'app', routes: ['/loans'] });`,
    'src/app.module.ts': `
      import { GetOrder, OrdersContract } from './orders/contract.js';
      import { AppContract } from './app.contract.js';
      @BoundedModule({ contract: AppContract, uses: [OrdersContract] }) export class AppModule {}`,
  };
  const found = async (changes: Files): Promise<readonly string[]> => {
    workspace = writeWorkspace({ ...REST, ...changes });
    const { modules, violations } = await verifyWorkspace(workspace.root);
    expect(modules).toEqual(['app', 'orders', 'stock']);
    return violations.map(short);
  };

  it('is found, without the list of all modules as one of its files', async () => {
    expect(await found({})).toEqual([]);
  });

  it('is guarded against the others', async () => {
    expect(
      await found({
        'src/loans/loan.service.ts': '',
        'src/orders/bad.ts': `import { LoanService } from '../loans/loan.service.js';`,
        'src/orders/worse.ts': `import { AppContract } from '../app.contract.js';`,
      }),
    ).toEqual([
      'cycle app → orders src/app.module.ts:4 the modules depend on each other in a round: app → orders → app',
      "contract-only orders → app src/orders/bad.ts:1 orders imports '../loans/loan.service.js', which is inside of app",
      "uses-missing orders → app src/orders/worse.ts:1 orders imports 'src/contract', and its `uses` does not name the contract of app",
    ]);
  });

  it('does not include scripts and configuration beside it', async () => {
    expect(
      await found({
        'scripts/seed.ts': `import { createRequire } from 'node:module';\nimport { StockContract } from '../src/stock/contract/index.js';\nexport const sql = 'SELECT 1 FROM stock.stock_levels';`,
      }),
    ).toEqual([]);
  });

  it('may have its contract in a file of that name, next to the list of all modules', async () => {
    const changes = {
      // what is in its folder is its own now
      'src/orders/place.ts': REST['src/orders/place.ts']?.replace(/.*money.*/, ''),
      'src/app.contract.ts': undefined,
      'src/contract.ts': REST['src/app.contract.ts'],
      'src/app.module.ts': REST['src/app.module.ts']?.replace('./app.contract.js', './contract.js'),
    };
    expect(await found(changes)).toEqual([]);
  });

  it('is held to the same rules as the others', async () => {
    expect(
      await found({
        'src/loans/bad.ts': `import { StockRow } from '../stock/stock.row.js';`,
        'src/loans/sql.ts': `export const sql = 'SELECT 1 FROM stock.stock_levels';`,
      }),
    ).toEqual([
      "contract-only app → stock src/loans/bad.ts:1 app imports '../stock/stock.row.js', which is inside of stock",
      'foreign-schema app → stock src/loans/sql.ts:1 SQL of app names stock.stock_levels, which belongs to stock',
    ]);
  });
});

const contract = (name: string): string => `
  import { defineContract } from '@fledge/kit/contract';
  export const ${name} = defineContract({ name: '${name}' });`;

// it counted as tests, and nothing in it was checked
it('checks a module whose folder is called tests, but no contracts that tests of a module define', async () => {
  workspace = writeWorkspace({
    ...FOLDERS,
    'src/tests/contract.ts': contract('exams'),
    'src/tests/exams.module.ts': `
      import { exams } from './contract.js';
      @BoundedModule({ contract: exams }) export class ExamsModule {}`,
    'src/tests/grade.ts': `import { StockRow } from '../stock/stock.row.js';`,
    'src/orders/test/contract.ts': contract('fake'),
    'src/orders/test/fake.ts': `import { StockRow } from '../../stock/stock.row.js';`,
  });
  const { modules, violations } = await verifyWorkspace(workspace.root);
  expect(modules).toEqual(['exams', 'orders', 'stock']);
  expect(violations.map(({ rule, file }) => `${rule} ${file}`)).toContain('contract-only src/tests/grade.ts');
  expect(violations.filter(({ file }) => file?.startsWith('src/orders/test/'))).toEqual([]);
});

it.each<[string, Files]>([
  [
    'a package of a workspace',
    { 'package.json': JSON.stringify({ workspaces: ['apps/*'] }), 'apps/shop/package.json': '{}' },
  ],
  ['a project in the monorepo mode of Nest', { 'package.json': '{}' }],
])('takes no contract beside the sources of %s for that of a module', async (_, files) => {
  workspace = writeWorkspace({
    ...files,
    'apps/shop/src/stock/contract/index.ts': SOUND['libs/stock/contract/index.ts'],
    'apps/shop/src/stock/stock.row.ts': SOUND['libs/stock/src/stock.row.ts'],
    'apps/shop/test/contract.ts': contract('fake'),
    'apps/shop/test/fake.ts': `import { StockRow } from '../src/stock/stock.row.js';`,
  });
  const { modules, violations } = await verifyWorkspace(workspace.root);
  expect(modules).toEqual(['stock']);
  expect(violations.filter(({ file }) => file.startsWith('apps/shop/test/'))).toEqual([]);
});
