import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { developmentPackage } from './development-package.js';

describe('a package that only development needs', () => {
  let root: string;
  beforeEach(() => (root = realpathSync(mkdtempSync(join(tmpdir(), 'fledge-package-')))));
  afterEach(() => rmSync(root, { recursive: true }));

  /** A package in its own folder, as pnpm stores it, linked where something depends on it. Returns its entry file. */
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

  // `fledge verify`, the lint rules, testModule and the embedded PostgreSQL found nothing in a pnpm workspace without
  // hoisting.
  it('is found where the application depends on it', () => {
    const application = join(root, 'apps/shop');
    const entry = install('only-here', application);
    expect(developmentPackage('only-here', application)).toBe(entry);
  });

  it("is found where the application's command depends on it", () => {
    const application = join(root, 'apps/shop');
    install('@fledge/cli', application);
    const entry = install('only-there', join(root, 'store/@fledge/cli'));
    expect(developmentPackage('only-there', application)).toBe(entry);
  });

  it('is missing where nothing depends on it', () => {
    install('@fledge/cli', join(root, 'apps/shop'));
    expect(developmentPackage('nowhere', join(root, 'apps/shop'))).toBeUndefined();
    expect(developmentPackage('nowhere', root)).toBeUndefined();
  });
});
