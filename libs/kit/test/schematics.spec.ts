import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testNatsUrl } from '@fledge/kit/testing';
import { verifyWorkspace } from '@fledge/kit/verify';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FIXTURE = fileURLToPath(new URL('schematics.fixture.mjs', import.meta.url));
const CONDUIT = fileURLToPath(new URL('adoption/conduit/after/', import.meta.url));
const BUILD = fileURLToPath(new URL('build-sources.fixture.mjs', import.meta.url));
const NEST = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
/** From nothing to the first green test of a new module; a promise of a minute, on a machine that may be busy. */
const FIRST_TEST_MS = 60_000;
const execute = promisify(execFile);

let root: string;
const file = (path: string): string => readFileSync(join(root, path), 'utf8');
function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
async function node(...args: string[]): Promise<string> {
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env;
  void [NODE_OPTIONS, NODE_TEST_CONTEXT];
  const { stdout } = await execute(process.execPath, args, {
    cwd: root,
    env: { ...env, FLEDGE_TEST_NATS_URL: testNatsUrl() },
  });
  return stdout;
}
const build = (...folders: readonly string[]): Promise<string> => node(BUILD, root, ...folders);
const generate = (...wanted: readonly (readonly string[])[]): Promise<string> => node(FIXTURE, JSON.stringify(wanted));
/** The message of what went wrong. */
const refusal = (...wanted: string[]): Promise<string> =>
  generate(wanted).then(
    () => 'it was done',
    (error: Error & { stderr: string }) => /^Error: (.*)$/m.exec(error.stderr)?.[1] ?? error.stderr,
  );

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fledge-generate-'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What `npm create fledge` makes. */
function starter(): void {
  cpSync(join(ROOT, 'apps/create/template'), root, { recursive: true });
  renameSync(join(root, 'eslint-config.mjs'), join(root, 'eslint.config.mjs'));
  for (const path of ['package.json', 'src/application.ts', 'config/monolith.yaml', 'config/split.yaml'])
    write(path, file(path).replaceAll('{{name}}', 'my-app').replaceAll('{{version}}', '0.1.0'));
}

/** Errors of types in files of the application; what they import is read, but not checked. */
function typeErrors(): string[] {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(root, folder, name)),
  );
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, rootDir: '/', customConditions: ['@fledge/source'], noEmit: true },
    root,
  );
  const program = ts.createProgram(files, options);
  return files.flatMap((path) => {
    const source = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  });
}

describe('nest generate, in what npm create fledge makes', () => {
  beforeEach(starter);

  it('makes a module with a green test in every topology, from nothing in less than a minute', async () => {
    const since = performance.now();
    await node(NEST, 'generate', '--collection', '@fledge/kit', 'module', 'pricing');
    await build('src', 'test');
    const said = await node('--test', '--test-reporter', 'tap', 'dist/test/pricing.js');
    const tookMs = performance.now() - since;
    expect(said).toMatch(/^ok 1 - pricing answers requests, in one process$/m);
    expect(said).toMatch(/^ok 2 - pricing answers requests, over NATS$/m);
    expect(tookMs).toBeLessThan(FIRST_TEST_MS);
    process.stdout.write(`a module with its first green test: ${(tookMs / 1_000).toFixed(1)} s\n`);
    expect(file('config/monolith.yaml')).toContain('  all: { modules: [orders, stock, pricing] }\n');
    expect(file('config/split.yaml')).toContain('  stock: { modules: [stock] }\n  pricing: { modules: [pricing] }\n');
    // comments stay where they are
    expect(file('config/split.yaml')).toContain('url: ${NATS_URL:-}              # empty');
  });

  it('makes messages, consumers and processes that compile, are linted and pass their tests in every topology', async () => {
    await generate(
      ['module', 'pricing'],
      ['command', 'pricing/set-price'],
      ['query', 'pricing/get-price'],
      ['event', 'pricing/price-changed'],
      ['consumer', 'orders/reprice', 'pricing.price-changed'],
      ['process', 'pricing/review', 'stock.stock-taken'],
      // of the module's own event
      ['consumer', 'pricing/watch'],
      // inside a module it is a stock one
      ['module', 'pricing/discounts'],
    );
    expect(file('src/pricing/pricing.module.ts')).toMatch(
      /uses: \[StockContract\],\n[^]*providers: \[SetPriceHandler, GetPriceHandler, Review, Watch\],\n/,
    );
    expect(file('src/pricing/pricing.module.ts')).toContain('imports: [DiscountsModule]');
    expect(file('src/pricing/discounts/discounts.module.ts')).toContain('@Module({})');
    expect(file('src/orders/orders.module.ts')).toContain('uses: [StockContract, PricingContract]');
    expect(file('src/pricing/contract/index.ts')).toContain(
      '  commands: [SetPrice],\n  queries: [GetPrice],\n  events: [PriceChanged],\n',
    );
    const [, , said] = await Promise.all([
      Promise.resolve().then(() => expect(typeErrors()).toEqual([])),
      node(join(ROOT, 'node_modules/eslint/bin/eslint.js'), '--max-warnings', '0', 'src', 'test'),
      // in one process, which loads the application once
      (async () => {
        await build('src', 'test');
        const tests = ['set-price', 'get-price', 'price-changed', 'review', 'watch'].map((name) => `pricing.${name}`);
        write('dist/test/all.js', [...tests, 'orders.reprice'].map((name) => `import './${name}.js';\n`).join(''));
        return node('--test', '--test-reporter', 'tap', 'dist/test/all.js');
      })(),
    ]);
    expect(said.match(/^ok \d+ - .*$/gm)?.map((line) => line.replace(/^ok \d+ - /, ''))).toEqual(
      [
        'pricing answers SetPrice',
        'pricing answers GetPrice',
        'pricing publishes PriceChanged with the commit of its transaction',
        'StockTaken starts review, which finishes',
        'pricing handles PriceChanged once',
        'orders handles PriceChanged once',
      ].flatMap((title) => [`${title}, in one process`, `${title}, over NATS`]),
    );
    expect((await verifyWorkspace(root)).violations).toEqual([]);
  });

  it('says what it cannot make, and changes nothing', async () => {
    const before = file('src/application.ts') + file('src/stock/contract/index.ts');
    expect(await refusal('command', 'count')).toBe(
      "'count' names no module: write nest g -c @fledge/kit command <module>/<name>, as in stock/take-stock.",
    );
    expect(await refusal('command', 'stok/count')).toBe(
      "there is no module 'stok'; there are: orders, stock. Generate it first: nest g -c @fledge/kit module stok.",
    );
    expect(await refusal('consumer', 'orders/watch', 'stock.stock-gone')).toBe(
      "stock has no event 'stock-gone'; name one as <module>.<event>, of: stock.stock-taken.",
    );
    expect(await refusal('module', 'stock')).toBe("there is a module 'stock' already.");
    expect(file('src/application.ts') + file('src/stock/contract/index.ts')).toBe(before);
  });
});

describe('nest generate, in an npm workspace', () => {
  it("makes a package beside the others, and what else it makes goes into the packages' folders", async () => {
    for (const [path, text] of Object.entries(WORKSPACE)) write(path, text);
    await generate(
      ['module', 'pricing'],
      ['command', 'pricing/set-price'],
      ['event', 'pricing/price-changed'],
      ['consumer', 'stock/watch', 'pricing.price-changed'],
    );
    expect(JSON.parse(file('libs/pricing/package.json'))).toMatchObject({
      name: '@t/pricing',
      exports: { './contract': './contract/index.ts', '.': './src/index.ts' },
    });
    expect(file('libs/pricing/src/index.ts')).toBe("export { PricingModule } from './pricing.module.js';\n");
    expect(file('apps/shop/src/modules.ts')).toContain("import { PricingContract } from '@t/pricing/contract';\n");
    expect(file('apps/shop/src/modules.ts')).toContain("load: () => import('@t/pricing').then((m) => m.PricingModule)");
    expect(JSON.parse(file('apps/shop/package.json'))).toMatchObject({ dependencies: { '@t/pricing': '0.0.1' } });
    expect(file('libs/pricing/src/set-price.handler.ts')).toContain("from '../contract/index.js'");
    expect(file('libs/stock/src/watch.handler.ts')).toContain("import { PriceChanged } from '@t/pricing/contract';");
    expect(file('libs/stock/src/stock.module.ts')).toContain('uses: [PricingContract]');
    expect(existsSync(join(root, 'apps/shop/test/pricing.set-price.ts'))).toBe(true);
    expect((await verifyWorkspace(root)).violations).toEqual([]);
  });
});

describe('nest generate, in an application that lists the classes of its modules', () => {
  it('adds a class and its import to the call of modulesOf, which nest add leaves as it is', async () => {
    cpSync(CONDUIT, join(root, 'src'), { recursive: true });
    write('package.json', JSON.stringify({ name: 'conduit', type: 'module' }));
    await generate(['nest-add'], ['module', 'pricing'], ['query', 'pricing/get-price']);
    expect(existsSync(join(root, 'src/application.ts'))).toBe(false);
    expect(file('src/app.module.ts')).toBe(
      readFileSync(join(CONDUIT, 'app.module.ts'), 'utf8')
        .replace('CommentsModule)', 'CommentsModule, PricingModule)')
        .replace(/(?=import \{ ProfilesModule)/, "import { PricingModule } from './pricing/pricing.module.js';\n"),
    );
    expect(file('test/in-every-topology.ts')).toContain("import { conduit } from '../src/app.module.js';");
    await build('src');
    expect(JSON.parse(await node('dist/main.js', '--list-modules'))).toMatchObject({
      modules: expect.arrayContaining([{ name: 'pricing', routes: ['/pricing'] }]) as unknown,
    });
  });
});

const WORKSPACE: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 't', type: 'module', workspaces: ['libs/*', 'apps/*'] }),
  'libs/stock/package.json': JSON.stringify({
    name: '@t/stock',
    version: '0.0.1',
    type: 'module',
    exports: { './contract': './contract/index.ts', '.': './src/index.ts' },
  }),
  'libs/stock/contract/index.ts': `import { defineContract } from '@fledge/kit/contract';
export const StockContract = defineContract({ name: 'stock', routes: ['/stock'] });
`,
  'libs/stock/src/index.ts': "export { StockModule } from './stock.module.js';\n",
  'libs/stock/src/stock.module.ts': `import { BoundedModule } from '@fledge/kit';
import { StockContract } from '../contract/index.js';

@BoundedModule({ contract: StockContract })
export class StockModule {}
`,
  'apps/shop/package.json': JSON.stringify({ name: '@t/shop', type: 'module' }),
  'apps/shop/src/modules.ts': `import type { Application } from '@fledge/kit';
import { StockContract } from '@t/stock/contract';

export const shop: Application = {
  name: 'shop',
  modules: [{ contract: StockContract, load: () => import('@t/stock').then((m) => m.StockModule) }],
};
`,
};

describe('nest add @fledge/kit, in an application that is there', () => {
  it('makes its root module a bounded one, and says what is left to a person', async () => {
    for (const [path, text] of Object.entries(STOCK)) write(path, text);
    const said = await generate(['nest-add'], ['module', 'pricing'], ['query', 'pricing/get-price']);
    expect(file('src/app.contract.ts')).toContain("routes: ['/cats']");
    expect(file('src/app.module.ts')).toBe(`import { BoundedModule } from '@fledge/kit';
import { AppContract } from './app.contract.js';
import { CatsController } from './cats.controller.js';

@BoundedModule({
  contract: AppContract,
  controllers: [CatsController],
})
export class AppModule {}
`);
    expect(file('src/main.ts')).toContain('await runApplication(oldShopApplication);\n');
    expect(JSON.parse(file('package.json'))).toMatchObject({
      fledge: { app: 'dist/main.js' },
      dependencies: { '@nestjs/cqrs': '^12.0.0', '@nestjs/common': '^12.0.1', typeorm: '^1.1.1' },
      devDependencies: { '@fledge/cli': '^0.1.0' },
    });
    expect(file('config/monolith.yaml')).toContain('all: { modules: [app, pricing] }');
    expect(file('src/application.ts')).toContain("import('./pricing/pricing.module.js')");
    expect(said).toBe('');
    expect(typeErrors()).toEqual([]);
    expect((await verifyWorkspace(root)).violations).toEqual([]);
    await build('src');
    expect(JSON.parse(await node('dist/main.js', '--list-modules'))).toMatchObject({
      modules: [
        { name: 'app', routes: ['/cats'] },
        { name: 'pricing', routes: ['/pricing'] },
      ],
    });
  });
});

const STOCK: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    name: 'Old_Shop',
    type: 'module',
    dependencies: { '@nestjs/common': '^12.0.1' },
    devDependencies: { jest: '^30' },
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'ES2023',
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      strict: true,
      strictPropertyInitialization: false,
      types: ['node', 'jest'],
    },
  }),
  'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
`,
  'src/app.module.ts': `import { Module } from '@nestjs/common';
import { CatsController } from './cats.controller.js';

@Module({
  controllers: [CatsController],
})
export class AppModule {}
`,
  'src/cats.controller.ts': `import { Controller, Get } from '@nestjs/common';

@Controller('cats')
export class CatsController {
  @Get()
  list(): string[] {
    return ['Tom'];
  }
}
`,
};
