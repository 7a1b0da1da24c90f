/** A new bounded module: its contract, a table, a route, its place in the list of modules and in the topologies. */
import { posix } from 'node:path';
import { addToOptions } from '#lint/options-list.js';
import { pascal } from './names.js';
import { endingOf, near, packageAround, workspacesOf } from './place.js';
import { writeTest } from './test-files.js';
import { addToTopologies } from './topology-files.js';

/** @param {import('@angular-devkit/schematics').Tree} tree */
export function newModule(tree, application, name, options, compiler) {
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name))
    throw new Error(
      `'${name}' is no name for a module: use at most 40 lower-case letters, digits and hyphens, starting with a letter.`,
    );
  if (application.modules.some((module) => module.name === name))
    throw new Error(`there is a module '${name}' already.`);
  if (application.list === undefined)
    throw new Error(
      'there is no list of modules, a file with `: Application = {`: run nest g -c @fledge/kit nest-add first.',
    );
  const place = placeOf(tree, application, name, options);
  const cls = pascal(name);
  const ending = endingOf(tree);
  for (const [file, text] of Object.entries(filesOf(name, cls, place, ending))) tree.create(file, text);
  addToList(tree, compiler, application.list, name, cls, place);
  addToTopologies(tree, name);
  writeTest(tree, {
    list: application.list,
    name,
    ending,
    imports: () => ["import assert from 'node:assert/strict';"],
    body: `inEveryTopology('${name} answers requests', async (app) => {
  const answer = await app.fetch('${name}', '/${name}');
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), []);
});
`,
  });
}

/** In a workspace whose modules are packages, a package beside them; else a folder. */
function placeOf(tree, { modules, list }, name, { sourceRoot = 'src', path }) {
  const sibling = modules.find(({ packageName }) => packageName !== undefined);
  const patterns = workspacesOf(tree);
  if (sibling === undefined && (modules.length > 0 || patterns.length === 0)) {
    const folder = posix.join(posix.dirname(list ?? posix.join('/', sourceRoot, 'main.ts')), path ?? '', name);
    return { folder, contract: posix.join(folder, 'contract/index.ts'), source: folder };
  }
  const parent =
    path ??
    (sibling ? posix.dirname(sibling.folder) : patterns.find((pattern) => pattern.endsWith('/*'))?.slice(0, -2)) ??
    'libs';
  const folder = posix.join('/', parent, name);
  const scope = /^@[^/]+/.exec(sibling?.packageName ?? tree.readJson('/package.json').name ?? '')?.[0];
  return {
    folder,
    contract: `${folder}/contract/index.ts`,
    source: `${folder}/src`,
    packageName: scope ? `${scope}/${name}` : `@${tree.readJson('/package.json').name ?? 'app'}/${name}`,
    like: sibling && tree.readJson(`${sibling.folder}/package.json`),
  };
}

function filesOf(name, cls, { contract, source, folder, packageName, like }, ending) {
  const stamp = Date.now();
  const entry = `${cls}Entry`;
  const table = `${name.replaceAll('-', '_')}_entry`;
  const migration = `Create${cls}${stamp}`;
  const moduleFile = `${source}/${name}.module.ts`;
  return {
    [contract]: `import { defineContract } from '@fledge/kit/contract';

export const ${cls}Contract = defineContract({
  name: '${name}',
  routes: ['/${name}'],
  // who may: each module that uses this contract, with or without a user behind the call
  access: { identity: 'optional' },
});
`,
    [`${source}/${name}-entry.entity.ts`]: `import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('${table}')
export class ${entry} {
  @PrimaryGeneratedColumn('uuid') id!: string;
  @Column('text') text!: string;
}
`,
    [`${source}/create-${name}.migration.ts`]: `import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ${migration} implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table ${table} (id uuid primary key default gen_random_uuid(), text text not null)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table ${table}');
  }
}
`,
    [`${source}/${name}.controller.ts`]: `import { Public } from '@fledge/kit';
import { Controller, Get } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { ${entry} } from './${name}-entry.entity${ending}';

// who may: everybody, until the module imports Authentication of @fledge/kit
@Public()
@Controller('${name}')
export class ${cls}Controller {
  constructor(@InjectRepository(${entry}) private readonly entries: Repository<${entry}>) {}

  @Get()
  list(): Promise<${entry}[]> {
    return this.entries.find();
  }
}
`,
    [moduleFile]: `import { BoundedModule } from '@fledge/kit';
import { ${cls}Contract } from '${near(moduleFile, contract)}${ending}';
import { ${migration} } from './create-${name}.migration${ending}';
import { ${entry} } from './${name}-entry.entity${ending}';
import { ${cls}Controller } from './${name}.controller${ending}';

@BoundedModule({
  contract: ${cls}Contract,
  entities: [${entry}],
  migrations: [${migration}],
  controllers: [${cls}Controller],
})
export class ${cls}Module {}
`,
    ...(packageName === undefined
      ? {}
      : {
          [`${source}/index.ts`]: `export { ${cls}Module } from './${name}.module${ending}';\n`,
          [`${folder}/package.json`]: `${JSON.stringify(manifestOf(packageName, like), undefined, 2)}\n`,
        }),
  };
}

/** Like that of another module, without what that one alone depends on. */
function manifestOf(name, like) {
  const exports = like?.exports ?? {
    './contract': { '@fledge/source': './contract/index.ts', default: './dist/contract/index.js' },
    '.': { '@fledge/source': './src/index.ts', default: './dist/src/index.js' },
  };
  const wanted = /^(?:@fledge\/kit|@nestjs\/(?:common|cqrs|typeorm)|class-transformer|class-validator|typeorm)$/;
  const dependencies = Object.fromEntries(
    Object.entries(like?.dependencies ?? {}).filter(([dependency]) => wanted.test(dependency)),
  );
  return { name, version: like?.version ?? '0.0.1', private: true, type: 'module', exports, dependencies };
}

function addToList(tree, compiler, list, name, cls, { contract, source, packageName }) {
  const moduleFrom = packageName ?? near(list, `${source}/${name}.module.ts`);
  const from = packageName ?? `${moduleFrom}${endingOf(tree)}`;
  const changed = addToOptions(compiler, list, tree.readText(list), {
    of: 'Application',
    key: 'modules',
    after: ['name'],
    element: `{ contract: ${cls}Contract, load: () => import('${from}').then((m) => m.${cls}Module) }`,
    imports: { name: `${cls}Contract`, from: packageName ? `${packageName}/contract` : near(list, contract) },
    // an application that loads all modules at once lists their classes
    inCall: { name: 'modulesOf', element: `${cls}Module`, imports: { name: `${cls}Module`, from: moduleFrom } },
  });
  if (changed === undefined) throw new Error(`${list}: 'modules' is no plain list; add ${cls}Module by hand.`);
  tree.overwrite(list, changed);
  if (packageName === undefined) return;
  const manifest = posix.join(packageAround(tree, list), 'package.json');
  const json = tree.readJson(manifest);
  const version = tree.readJson(`${posix.dirname(posix.dirname(contract))}/package.json`).version;
  json.dependencies = Object.fromEntries(
    Object.entries({ ...json.dependencies, [packageName]: version }).sort(([a], [b]) => a.localeCompare(b)),
  );
  tree.overwrite(manifest, `${JSON.stringify(json, undefined, 2)}\n`);
}
