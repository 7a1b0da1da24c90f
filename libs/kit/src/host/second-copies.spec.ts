import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseSecondCopies } from './second-copies.js';

describe('two copies of a package', () => {
  let root: string;
  beforeEach(() => void (root = realpathSync(mkdtempSync(join(tmpdir(), 'fledge-copies-')))));
  afterEach(() => rmSync(root, { recursive: true }));

  function install(...path: string[]): string {
    const folder = join(root, ...path);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    return folder;
  }

  const kit = (): string => join(root, 'node_modules/@fledge/kit/dist/src/index.js');

  it('are found, with where they are and what to do', () => {
    const other = install('node_modules/@nestjs/cqrs');
    const own = install('node_modules/@fledge/kit/node_modules/@nestjs/cqrs');
    expect(() => refuseSecondCopies(join(root, 'dist/main.js'), kit())).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.second-copy',
        message: expect.stringContaining(`the application has ${other}, and @fledge/kit has ${own}`),
        hint: expect.stringContaining('npm ls @nestjs/cqrs'),
      }),
    );
  });

  // the application and the kit share a kit, and the transport speaks with another
  it("are found below '@fledge/nats', too", () => {
    const own = install('node_modules/@fledge/kit');
    const other = install('node_modules/@fledge/nats/node_modules/@fledge/kit');
    install('node_modules/@fledge/nats');
    expect(() => refuseSecondCopies(join(root, 'dist/main.js'), kit())).toThrow(
      expect.objectContaining({
        code: 'fledge.startup.second-copy',
        message: expect.stringContaining(`@fledge/nats has ${other}, and @fledge/kit has ${own}`),
      }),
    );
  });

  it('are none when one is a link to the other, or is not installed', () => {
    const one = install('node_modules/@nestjs/cqrs');
    install('node_modules/@nestjs/core');
    mkdirSync(join(root, 'node_modules/@fledge/kit/node_modules/@nestjs'), { recursive: true });
    symlinkSync(one, join(root, 'node_modules/@fledge/kit/node_modules/@nestjs/cqrs'));
    expect(() => refuseSecondCopies(join(root, 'dist/main.js'), kit())).not.toThrow();
  });
});
