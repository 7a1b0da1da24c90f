import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deployedVersion } from './deployed-version.js';

describe('the version that is deployed', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fledge-version-'));
    await mkdir(join(root, 'dist/apps/shop'), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const entry = (): string => join(root, 'dist/apps/shop/main.js');

  it('is that of the nearest package.json which has one', async () => {
    await writeFile(join(root, 'package.json'), '{ "version": "1.4.0-rc.1" }');
    // as builds write it, to say what kind of modules these are
    await writeFile(join(root, 'dist/package.json'), '{ "type": "module" }');
    expect(deployedVersion(entry())).toBe('1.4.0-rc.1');
    await writeFile(join(root, 'dist/apps/shop/package.json'), '{ "version": "2.0.0" }');
    expect(deployedVersion(entry())).toBe('2.0.0');
  });

  it('is looked for above a package.json that cannot be read, or whose version is none', async () => {
    await writeFile(join(root, 'package.json'), '{ "version": "1.4.0" }');
    await writeFile(join(root, 'dist/package.json'), '{');
    expect(deployedVersion(entry())).toBe('1.4.0');
    await writeFile(join(root, 'dist/package.json'), '{ "version": "next" }');
    expect(deployedVersion(entry())).toBe('1.4.0');
  });

  it('is none where no package.json is', () => {
    expect(deployedVersion('/main.js')).toBeUndefined();
  });
});
