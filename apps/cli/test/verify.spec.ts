import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jest } from '@jest/globals';
import { run } from '../src/run.js';

const BREACH = "import { StockRow } from '@t/stock/src/stock.row.js';\n";

describe('fledge verify --baseline', () => {
  let root: string;
  let said = '';
  let stdout: { mockRestore(): void };

  beforeEach(() => {
    stdout = jest.spyOn(process.stdout, 'write').mockImplementation((text) => ((said += String(text)), true));
    root = mkdtempSync(join(tmpdir(), 'fledge-verify-'));
    write('package.json', '{ "workspaces": ["libs/*"] }');
    for (const name of ['stock', 'orders']) {
      write(
        `libs/${name}/package.json`,
        JSON.stringify({ name: `@t/${name}`, exports: { './contract': './contract/index.ts', '.': './src/index.ts' } }),
      );
      write(
        `libs/${name}/contract/index.ts`,
        `import { defineContract } from '@fledge/kit/contract';\nexport const ${name} = defineContract({ name: '${name}' });`,
      );
      write(
        `libs/${name}/src/index.ts`,
        `import { BoundedModule } from '@fledge/kit';\nimport { ${name} } from '../contract/index.js';\n@BoundedModule({ contract: ${name} }) export class Module {}`,
      );
    }
    write('libs/orders/src/old.ts', BREACH);
  });
  afterEach(() => {
    stdout.mockRestore();
    rmSync(root, { recursive: true });
  });

  const verify = async (...options: string[]): Promise<readonly [code: number, said: string]> => {
    said = '';
    return [await run(['verify', root, ...options]), said];
  };
  function write(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }

  it("records today's violations, fails for new ones, and only ever becomes shorter", async () => {
    expect((await verify())[0]).toBe(1);
    const [frozen, told] = await verify('--baseline');
    expect([frozen, told]).toEqual([
      0,
      expect.stringMatching(/^fledge verify: \d+ violations are in fledge-verify\.baseline\.json now\n$/),
    ]);
    // even if it moves to another line
    write('libs/orders/src/old.ts', `\n\n${BREACH}`);
    expect(await verify()).toEqual([0, expect.stringContaining('no violations')]);

    write('libs/orders/src/new.ts', BREACH);
    expect(await verify()).toEqual([1, expect.stringContaining('libs/orders/src/new.ts:1')]);
    const before = readFileSync(join(root, 'fledge-verify.baseline.json'), 'utf8');
    expect((await verify('--baseline'))[0]).toBe(1);
    expect(readFileSync(join(root, 'fledge-verify.baseline.json'), 'utf8')).toBe(before);

    write('libs/orders/src/new.ts', '');
    write('libs/orders/src/old.ts', '');
    expect(await verify()).toEqual([
      1,
      expect.stringContaining('are fixed: remove them with fledge verify --baseline'),
    ]);
    expect((await verify('--baseline'))[0]).toBe(0);
    expect(await verify()).toEqual([0, expect.not.stringContaining('baseline')]);
    write('libs/orders/src/old.ts', BREACH);
    expect((await verify())[0]).toBe(1);
  });

  it('knows a violation by what the code says, not by the text of its report', async () => {
    await verify('--baseline');
    const { violations } = JSON.parse(readFileSync(join(root, 'fledge-verify.baseline.json'), 'utf8')) as {
      violations: object[];
    };
    expect(violations[0]).toEqual({
      rule: 'contract-only',
      source: 'orders',
      target: 'stock',
      file: 'libs/orders/src/old.ts',
      subject: '@t/stock/src/stock.row.js',
    });
    // another import of the same module, in its place
    write('libs/orders/src/old.ts', BREACH.replace('stock.row', 'other.row'));
    expect((await verify())[0]).toBe(1);
  });

  it('says that a baseline of an older version must be written again', async () => {
    write('fledge-verify.baseline.json', '{ "violations": [{ "rule": "cycle", "fact": "the modules depend on …" }] }');
    const stderr = jest.spyOn(process.stderr, 'write').mockImplementation((text) => ((said += String(text)), true));
    expect(await verify()).toEqual([1, expect.stringContaining('an older version of Fledge wrote it')]);
    stderr.mockRestore();
  });
});
