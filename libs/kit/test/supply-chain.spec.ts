import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

let folder: string;

beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'fledge-supply-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly said: string;
}

function run(script: string, input: object, env: Record<string, string> = {}): Promise<Ended> {
  const file = join(folder, 'input.json');
  writeFileSync(file, JSON.stringify(input));
  return new Promise((resolve) => {
    const options = { env: { ...process.env, NODE_OPTIONS: '', ...env } };
    execFile(process.execPath, [`.ci/supply-chain/${script}`, file], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });
}

function reportOf(severity: string, node: string): object {
  const via = [{ url: 'https://github.com/advisories/GHSA-1', title: 'It is broken', severity }];
  return { vulnerabilities: { x: { name: 'x', nodes: [node], via }, y: { name: 'y', nodes: [], via: ['x'] } } };
}

const SHIPPED = 'node_modules/pg';
/** A tool here, and an optional peer of what is shipped. */
const OPTIONAL = 'node_modules/express';
const TOOL = 'node_modules/jest';

describe('an advisory', () => {
  const rules = (...allowed: readonly object[]): Record<string, string> => ({
    FLEDGE_AUDIT_POLICY: JSON.stringify({ shipped: 'moderate', development: 'high', allowed }),
  });
  const allowed = { advisory: 'GHSA-1', reason: 'not reached', until: '9999-12-31' };

  it.each([
    ['moderate', SHIPPED, 1],
    ['low', SHIPPED, 0],
    ['moderate', OPTIONAL, 1],
    ['moderate', TOOL, 0],
    ['high', TOOL, 1],
  ])('of severity %s in %s ends with %i', async (severity, node, code) => {
    const ended = await run('audit.mjs', reportOf(severity, node), rules());
    expect(ended.code).toBe(code);
    if (code === 1) expect(ended.said).toContain(`GHSA-1 (${severity}`);
  });

  it('is passed over for a reason until a day, and no longer', async () => {
    const report = reportOf('critical', SHIPPED);
    expect((await run('audit.mjs', report, rules(allowed))).code).toBe(0);
    const ended = await run('audit.mjs', report, rules({ ...allowed, until: '2020-01-01' }));
    expect([ended.code, ended.said]).toEqual([1, expect.stringContaining('GHSA-1 was allowed until 2020-01-01')]);
    const unreasoned = await run('audit.mjs', report, rules({ advisory: 'GHSA-1', until: '9999-12-31' }));
    expect([unreasoned.code, unreasoned.said]).toEqual([1, expect.stringContaining('without a reason')]);
    const unneeded = await run('audit.mjs', { vulnerabilities: {} }, rules(allowed));
    expect([unneeded.code, unneeded.said]).toEqual([1, expect.stringContaining('nothing here has it any more')]);
  });

  it('that cannot be asked for is said to be unchecked, and fails only where it is required', async () => {
    const none = { message: '405 Method Not Allowed' };
    const ended = await run('audit.mjs', none);
    expect([ended.code, ended.said]).toEqual([0, expect.stringContaining('NOT CHECKED')]);
    expect((await run('audit.mjs', none, { FLEDGE_AUDIT: 'required' })).code).toBe(1);
  });
});

describe('a locked package', () => {
  const lockOf = (entry: object): object => ({
    packages: { 'node_modules/x': { version: '1.0.0', integrity: 'sha512-x', license: 'MIT', ...entry } },
  });

  it.each([
    [{}, 0, /under a licence that is allowed/],
    [{ license: '(MIT OR GPL-3.0-only)' }, 0, /allowed/],
    [{ license: 'MIT AND GPL-3.0-only' }, 1, /licence 'MIT AND GPL-3\.0-only'/],
    [{ license: undefined }, 1, /licence 'none'/],
    [{ license: 'SEE LICENSE IN x.md' }, 1, /licence 'SEE LICENSE/],
    [{ license: 'CC-BY-4.0', dev: true }, 0, /allowed/],
    [{ license: 'CC-BY-4.0', devOptional: true }, 1, /licence 'CC-BY-4\.0'/],
    [{ license: 'CC-BY-4.0' }, 1, /licence 'CC-BY-4\.0'/],
    [{ integrity: undefined }, 1, /without a hash/],
    [{ integrity: 'sha1-x' }, 1, /without a hash/],
    [{ resolved: 'https://elsewhere.test/x.tgz' }, 1, /comes from https:\/\/elsewhere\.test/],
  ])('is checked: %j', async (entry, code, said) => {
    expect(await run('licences.mjs', lockOf(entry))).toEqual({ code, said: expect.stringMatching(said) });
  });
});

interface Workflow {
  readonly permissions?: object;
  readonly jobs: Readonly<
    Record<string, { readonly permissions?: object; readonly steps: readonly { uses?: string; run?: string }[] }>
  >;
}

describe('a workflow', () => {
  const WORKFLOWS = '.github/workflows';
  const read = (file: string): Workflow => parse(readFileSync(join(WORKFLOWS, file), 'utf8')) as Workflow;

  it.each(readdirSync(WORKFLOWS))('pins each action to a commit, and has no more rights than it needs: %s', (file) => {
    const { permissions, jobs } = read(file);
    expect(permissions).toEqual({ contents: 'read' });
    const used = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  it('publishes with provenance, and only what was checked', () => {
    const { jobs } = read('release.yml');
    expect(jobs.publish).toMatchObject({ needs: 'check', permissions: { contents: 'read', 'id-token': 'write' } });
    const published = jobs.publish?.steps.flatMap(({ run }) => run ?? []).find((line) => line.includes('npm publish'));
    expect(published).toContain('--provenance');
    expect(jobs.check?.steps.map(({ run }) => run)).toContain('.ci/run');
  });

  it('runs the checks of the supply chain', () => {
    const script = readFileSync('.ci/run', 'utf8');
    for (const step of ['licences.mjs', 'audit.mjs', 'run sbom']) expect(script).toContain(step);
  });
});

describe('the page on security', () => {
  const page = readFileSync('libs/kit/docs/guides/security.md', 'utf8');
  const rows = page.split('\n').filter((line) => /^\| (API\d+|V\d+) /.test(line));

  it('has a row for each risk of the API Top 10 and each chapter of ASVS 5.0', () => {
    const names = rows.map((row) => /^\| (\w+)/.exec(row)?.[1]);
    const expected = [
      ...Array.from({ length: 10 }, (_, i) => `API${i + 1}`),
      ...Array.from({ length: 17 }, (_, i) => `V${i + 1}`),
    ];
    expect(names).toEqual(expected);
  });

  it('names tests that exist, or says that there is none', () => {
    for (const row of rows) {
      const tests = [...row.matchAll(/`([^`]+\.spec\.ts)`/g)].map(([, file = '']) => file);
      expect([row, tests.filter((file) => !existsSync(file))]).toEqual([row, []]);
      if (tests.length === 0) expect(row).toMatch(/not covered yet|not used|no files are taken|not offered/);
    }
  });
});
