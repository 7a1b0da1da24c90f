/**
 * `nest add @fledge/kit`, in an application that is there already: its root module becomes a bounded module, beside
 * which others can be generated; its feature modules stay as they are. What it cannot decide it says.
 */
import { posix } from 'node:path';
import { readFileSync } from 'node:fs';
import { NodePackageInstallTask } from '@angular-devkit/schematics/tasks/index.js';
import { addToOptions } from '#lint/options-list.js';
import { pascal } from './names.js';
import { endingOf, loadTypeScript, OWN_MANIFEST, readApplication } from './place.js';

/** A `main.ts` that does nothing but start. */
const STOCK_MAIN =
  /^(?:import [^;]*;\s*)*async function bootstrap\(\)(?:: Promise<void>)? \{\s*const app = await NestFactory\.create(?:<\w+>)?\(AppModule\);\s*await app\.listen\([^;]*\);\s*\}\s*(?:await |void )?bootstrap\(\);?\s*$/;

export function nestAdd({ sourceRoot = 'src', skipInstall = false }) {
  return async (tree, context) => {
    if (!tree.exists('/package.json'))
      throw new Error('there is no package.json here: run this in the folder of the application.');
    const name = nameOf(tree);
    addPackages(tree);
    const file = posix.join('/', sourceRoot, 'app.module.ts');
    const said = [];
    if (readApplication(tree).list === undefined) said.push(...(await bound(tree, sourceRoot, file, name)));
    if (!tree.exists('/config/monolith.yaml')) tree.create('/config/monolith.yaml', topology(name));
    for (const line of said) context.logger.warn(line);
    context.logger.info(
      'Next: npx nest build && npx fledge start. A new module: npx nest g -c @fledge/kit module <name>.',
    );
    if (!skipInstall) context.addTask(new NodePackageInstallTask());
  };
}

/** What `topology` files call it: letters, digits and hyphens. */
function nameOf(tree) {
  const name = String(tree.readJson('/package.json').name ?? 'app').replace(/^@[^/]*\//, '');
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^[^a-z]+/, '')
      .slice(0, 40) || 'app'
  );
}

/** The peers, in the major release of Nest that is there, and what development needs. */
function addPackages(tree) {
  const json = tree.readJson('/package.json');
  const own = JSON.parse(readFileSync(OWN_MANIFEST, 'utf8'));
  const [, major = '12'] = /(\d+)/.exec(json.dependencies?.['@nestjs/common'] ?? '') ?? [];
  const range = (name) => {
    const ranges = own.peerDependencies[name].split(' || ');
    return ranges.find((one) => one.startsWith(`^${major}.`)) ?? ranges.at(-1);
  };
  const needed = Object.keys(own.peerDependencies).filter((name) => own.peerDependenciesMeta[name]?.optional !== true);
  const missing = needed.filter((name) => json.dependencies?.[name] === undefined);
  json.dependencies = inOrder({
    '@fledge/kit': `^${own.version}`,
    '@fledge/nats': `^${own.version}`,
    ...Object.fromEntries(missing.map((name) => [name, range(name)])),
    ...json.dependencies,
  });
  json.devDependencies = inOrder({ '@fledge/cli': `^${own.version}`, ...json.devDependencies });
  json.fledge ??= { app: 'dist/main.js' };
  tree.overwrite('/package.json', `${JSON.stringify(json, undefined, 2)}\n`);
}

function inOrder(packages) {
  return Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b)));
}

/** Makes the root module a bounded one, and lists it. Returns what is left to a person. */
async function bound(tree, sourceRoot, file, name) {
  const ending = endingOf(tree);
  const at = (path) => posix.join('/', sourceRoot, path);
  const text = tree.exists(file) ? tree.readText(file) : '';
  if (!/@Module\(\{/.test(text))
    return [`${file} has no @Module({ … }): follow the guide 'Bring a module under a contract' by hand.`];
  const compiler = await loadTypeScript();
  const { routes, unclear } = routesOf(tree, posix.join('/', sourceRoot));
  tree.create(
    at('app.contract.ts'),
    `import { defineContract } from '@fledge/kit/contract';\n\nexport const AppContract = defineContract({ name: 'app', routes: [${routes.map((route) => `'${route}'`).join(', ')}] });\n`,
  );
  tree.overwrite(file, boundedText(compiler, file, text));
  const constant = `${pascal(name).replace(/^./, (first) => first.toLowerCase())}Application`;
  tree.create(
    at('application.ts'),
    `import type { Application } from '@fledge/kit';
import { AppContract } from './app.contract${ending}';

/** All modules: every process knows the contracts, and loads only the code that it hosts. */
export const ${constant}: Application = {
  name: '${name}',
  // its routes keep their own guards; remove this line when each says who may use it: @Public(), or Authentication
  access: 'open',
  modules: [
    { contract: AppContract, load: () => import('./app.module${ending}').then((m) => m.AppModule) },
  ],
};
`,
  );
  const said = unclear.map(
    (path) =>
      `${path} has a path that a module cannot own, such as '/': give it one, and add it to the routes of app.contract.ts.`,
  );
  if (/\bforRoot(?:Async)?\(/.test(text))
    said.push(`${file}: remove TypeOrmModule.forRoot, since the kit opens the database; keep other forRoot calls.`);
  if (/\bexports:/.test(text)) said.push(`${file}: remove its exports; others use its contract.`);
  const main = at('main.ts');
  if (!tree.exists(main) || STOCK_MAIN.test(tree.readText(main))) write(tree, main, mainText(constant, ending));
  else
    said.push(
      `${main} does more than start: move its lines into hooks, as the guide 'What was in main.ts' says, and end it with runApplication(${constant}).`,
    );
  return said;
}

/** `@Module` becomes `@BoundedModule`, which has a contract, and exports nothing. */
function boundedText(compiler, file, text) {
  const source = compiler.createSourceFile(file, text, compiler.ScriptTarget.Latest, true);
  const stock = source.statements.find(
    (node) => compiler.isImportDeclaration(node) && node.moduleSpecifier.text === '@nestjs/common',
  );
  const names = stock.importClause.namedBindings.elements
    .map((element) => element.getText(source))
    .filter((one) => one !== 'Module');
  const imports = [
    "import { BoundedModule } from '@fledge/kit';",
    ...(names.length > 0 ? [`import { ${names.join(', ')} } from '@nestjs/common';`] : []),
  ].join('\n');
  const changed = `${text.slice(0, stock.getStart(source))}${imports}${text.slice(stock.end)}`.replace(
    '@Module({',
    '@BoundedModule({\n  contract: AppContract,',
  );
  // only for the import, in its place
  return addToOptions(compiler, file, changed, {
    of: 'BoundedModule',
    key: 'uses',
    after: ['contract'],
    element: 'AppContract',
    imports: { name: 'AppContract', from: './app.contract' },
  }).replace(/,\s*uses: \[AppContract\]/, '');
}

/** The path of each controller; of one without, those of its methods. */
function routesOf(tree, folder) {
  const routes = new Set();
  const unclear = [];
  const visit = (dir) => {
    for (const name of dir.subfiles) {
      if (!name.endsWith('.controller.ts')) continue;
      const path = posix.join(dir.path, name);
      const [, argument = ''] = /@Controller\(([^)]*)\)/.exec(tree.readText(path)) ?? [];
      const paths = argument.trim() === '' ? methodPaths(tree.readText(path)) : [textOf(argument)];
      for (const one of paths) {
        if (one === undefined || !/^[a-z0-9]/.test(one)) unclear.push(path);
        else routes.add(`/${one.split('/:')[0]}`);
      }
    }
    for (const name of dir.subdirs) visit(dir.dir(name));
  };
  visit(tree.getDir(folder));
  return { routes: [...routes].sort(), unclear: [...new Set(unclear)] };
}

function methodPaths(text) {
  return [...text.matchAll(/@(?:Get|Post|Put|Patch|Delete|All)\(([^)]*)\)/g)].map(([, argument]) => textOf(argument));
}

/** What a string literal says, without a slash before it; empty for no argument. */
function textOf(argument) {
  if (argument.trim() === '') return '';
  return /^\s*['"]\/?([^'"]*)['"]\s*$/.exec(argument)?.[1];
}

function write(tree, path, text) {
  if (tree.exists(path)) tree.overwrite(path, text);
  else tree.create(path, text);
}

function mainText(constant, ending) {
  return `import 'reflect-metadata';
import { runApplication } from '@fledge/kit';
import { ${constant} } from './application${ending}';

${ending === '' ? 'void' : 'await'} runApplication(${constant});
`;
}

function topology(name) {
  return `# All modules in one process.
namespace: "${name}"
database:
  url: \${DATABASE_URL:-}
http:
  port: \${PORT:-3000}
services:
  all: { modules: [app] }
`;
}
