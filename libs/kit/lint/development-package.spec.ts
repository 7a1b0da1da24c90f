import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { developmentPackage } from './development-package.js';

describe('a package that development alone needs', () => {
  let root: string;
  beforeEach(() => (root = realpathSync(mkdtempSync(join(tmpdir(), 'fledge-package-')))));
  afterEach(() => rmSync(root, { recursive: true }));

  /** A package in a folder of its own, as pnpm keeps it, linked where somebody asks for it. Gives its entry file. */
  function install(name: string, linkedIn: string): string {
    const folder = join(root, 'store', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, main: 'index.cjs' }));
    writeFileSync(join(folder, 'index.cjs'), '');
    const link = join(linkedIn, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(folder, link);
    return join(folder, 'index.cjs');
  }

  // `fledge verify`, the lint rules, testModule and the embedded PostgreSQL found nothing in a workspace of pnpm that
  // hoists nothing.
  it('is found where the application asks for it', () => {
    const application = join(root, 'apps/shop');
    const entry = install('only-here', application);
    expect(developmentPackage('only-here', application)).toBe(entry);
  });

  it('is found where the command of the application asks for it', () => {
    const application = join(root, 'apps/shop');
    install('@fledge/cli', application);
    const entry = install('only-there', join(root, 'store/@fledge/cli'));
    expect(developmentPackage('only-there', application)).toBe(entry);
  });

  it('is missing where nobody asks for it', () => {
    install('@fledge/cli', join(root, 'apps/shop'));
    expect(developmentPackage('nowhere', join(root, 'apps/shop'))).toBeUndefined();
    expect(developmentPackage('nowhere', root)).toBeUndefined();
  });
});
