import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { findPackages, KIT_PACKAGE } from '../src/verify/workspace.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const packages = findPackages(ROOT).filter(
  ({ name, exports }) => name === KIT_PACKAGE || exports?.includes('./contract'),
);

/** An unexported file of each package, in each way in which one might write it. */
const deep = packages.flatMap(({ name, folder, files }) => {
  const inside = files.find(
    (file) => file.startsWith(`${folder}/src/`) && !/\/(?:index|operations)\.ts$/.test(file),
  ) as string;
  const path = inside.slice(folder.length + 1, -'.ts'.length);
  return [`${name}/${path}.js`, `${name}/${path}.ts`, `${name}/${path}`, `${name}/dist/${path}.js`];
});

it('is tried on every module of the shop, and on the kit', () => {
  expect(packages.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['@fledge/kit', '@shop/catalog', '@shop/identity', '@shop/inventory', '@shop/ordering']),
  );
});

it('does not resolve at run time', async () => {
  const script = `
    const codes = {};
    for (const specifier of ${JSON.stringify(deep)}) codes[specifier] = await import(specifier).then(() => 'resolved', (error) => error.code);
    console.log(JSON.stringify(codes));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(ROOT, 'apps/shop'),
  });
  expect(JSON.parse(stdout)).toEqual(
    Object.fromEntries(deep.map((specifier) => [specifier, 'ERR_PACKAGE_PATH_NOT_EXPORTED'])),
  );
});

describe('the type checker', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  const resolve = (specifier: string): string | undefined =>
    ts.resolveModuleName(
      specifier,
      join(ROOT, 'apps/shop/src/main.ts'),
      options,
      ts.sys,
      undefined,
      undefined,
      ts.ModuleKind.ESNext,
    ).resolvedModule?.resolvedFileName;

  it('resolves what a package exports', () => {
    expect(packages.map(({ name }) => resolve(`${name}/contract`)).filter((file) => file === undefined)).toEqual([]);
  });

  it.each(deep)('does not resolve %s', (specifier) => {
    expect(resolve(specifier)).toBeUndefined();
  });
});
