import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FIXTURE = fileURLToPath(new URL('../../test/rejections.fixture.mjs', import.meta.url));

// each ended the process, with all that other requests and messages had under way
it('a promise that was rejected and that nobody waited for is logged and counted, and ends the process only when no host runs', async () => {
  const ended = await new Promise<{ code: unknown; out: string; errors: string }>((resolve) => {
    execFile(process.execPath, ['--no-warnings', '--conditions', '@fledge/source', FIXTURE], (error, out, errors) =>
      resolve({ code: error?.code, out, errors }),
    );
  });
  expect(ended.out).toContain('counted: of the context\nalive\n');
  expect(ended.errors + ended.out).toMatch(
    /module left a rejected promise unhandled, which counts as a failure of its message: Error: of the context/,
  );
  expect(ended.errors + ended.out).toMatch(/a rejected promise was not handled: Error: of nobody/);
  expect(ended).toMatchObject({ code: 1, errors: expect.stringContaining('after the host') as string });
});
