import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { Host, LocalTransport, startEmbeddedPostgres } from '@fledge/kit';
import { Logger } from '@nestjs/common';
import { errands } from './errands.js';
import type { Said } from './fledge.js';

Logger.overrideLogger(false);

const HERE = join(process.cwd(), 'apps/cli/test');

let project: string;

/** Runs `fledge` in its own process, in the project's folder. */
async function fledge(...args: readonly string[]): Promise<Said> {
  const { DATABASE_URL, ...env } = process.env;
  void DATABASE_URL;
  const command = [...['--no-warnings', '--conditions', '@fledge/source', join(HERE, 'fledge.fixture.mjs')], ...args];
  return promisify(execFile)(process.execPath, command, { cwd: project, env: { ...env, NODE_OPTIONS: '' } }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout,
      err: stderr,
    }),
  );
}

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'fledge-operate-'));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ fledge: { app: relative(project, join(HERE, 'fake-app.fixture.mjs')) } }),
  );
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

it('works on the embedded PostgreSQL that runs in the project, and says so when none does', async () => {
  const dir = join(project, '.data/postgres');
  const none = {
    code: 1,
    out: '',
    err: `fledge: DATABASE_URL is not set, and no embedded PostgreSQL runs in ${dir}. Set DATABASE_URL to the database of the system, or start it here first: npm start.\n`,
  };
  expect(await fledge('consumers')).toEqual(none);
  const postgres = await startEmbeddedPostgres({ dir });
  try {
    expect(await fledge('consumers')).toEqual({
      code: 0,
      out: 'OUTBOX OF  UNSENT  OLDEST\n\nNo module has consumers.\n',
      err: '',
    });
    const host = await new Host({
      application: errands,
      modules: ['errands'],
      transport: new LocalTransport(),
      database: postgres,
    }).start();
    await host.close();
    expect((await fledge('consumers', '--module', 'errands')).out).toMatch(/^errands {2}errand {13}0/m);
  } finally {
    await postgres.stop();
  }
  expect(await fledge('consumers')).toEqual(none);
  expect(await fledge('processes', 'list', '--status', 'broken')).toMatchObject({ code: 2, out: '' });
}, 60_000);
