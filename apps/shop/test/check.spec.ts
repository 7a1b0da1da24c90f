import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/apps/shop/src/main.js', import.meta.url));
const CONFIG = fileURLToPath(new URL('../../../config/', import.meta.url));
// Where nothing listens: what is wrong is told before anything is asked of it.
const NOWHERE = { DATABASE_URL: 'postgres://127.0.0.1:1/none', NATS_URL: 'nats://127.0.0.1:1' };

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'fledge-check-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the built shop; gives its exit code and what it said of errors. */
function main(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly [code: unknown, stderr: string]> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...process.env, NODE_OPTIONS: '', ...NOWHERE, ...env }, timeout: 20_000 },
      (error, _, stderr) => resolve([error?.killed ? 'killed' : (error?.code ?? 0), stderr]),
    );
  });
}

/** The file of a topology of `config/` with a line of settings replaced, and the number of that line. */
function changed(topology: string, module: string, settings: string): { readonly file: string; readonly line: number } {
  const lines = readFileSync(join(CONFIG, `${topology}.yaml`), 'utf8').split('\n');
  const at = lines.findIndex((line) => line.startsWith(`  ${module}:`) && !line.includes('modules:'));
  lines[at] = `  ${module}: ${settings}`;
  const file = join(folder, `${topology}.yaml`);
  writeFileSync(file, lines.join('\n'));
  return { file, line: at + 1 };
}

it.each(readdirSync(CONFIG))('config/%s is sound, with the settings of every module', async (name) => {
  expect(await main(['--topology', join(CONFIG, name), '--check'])).toEqual([0, '']);
});

// It took a sixth of the start of every service, and 20 MiB for as long as it ran.
it('does not load what only the OpenAPI document needs', async () => {
  const tell =
    'export async function load(url, context, next) { if (url.includes("/@nestjs/swagger/")) console.error(url); return next(url, context); }';
  const hook = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(tell)}");`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(hook)}`;
  expect(await main(['--topology', join(CONFIG, 'monolith.yaml'), '--check'], { NODE_OPTIONS })).toEqual([0, '']);
});

it('tells of a wrong setting where it stands in the file', async () => {
  const { file, line } = changed('split', 'inventory', '{ dmo: true, reservationMs: 5 }');
  expect(await main(['--topology', file, '--check'])).toEqual([
    78,
    [
      `${file}:${line}:16: unknown key 'settings.inventory.dmo'. Did you mean 'demo'?`,
      `${file}:${line}:27: settings.inventory.reservationMs is 5. It must not be less than 1000; default 900000.`,
      '  Nothing was started; `fledge topology <file>` checks the file again.',
      '',
    ].join('\n'),
  ]);
});

it('does not start a service with it, and goes on with one that does not host the module', async () => {
  const { file, line } = changed('split', 'inventory', '{ reservationMs: 5 }');
  const [code, said] = await main(['--topology', file, '--service', 'inventory']);
  expect([code, said.split('\n')[0]]).toEqual([
    78,
    `${file}:${line}:16: settings.inventory.reservationMs is 5. It must not be less than 1000; default 900000.`,
  ]);
  const [, other] = await main(['--topology', file, '--service', 'catalog']);
  expect(other).toContain('nats://127.0.0.1:1');
  expect(other).not.toContain('reservationMs');
});

it('says in production what has no default there', async () => {
  const [code, said] = await main(['--topology', join(CONFIG, 'monolith.yaml'), '--check'], {
    NODE_ENV: 'production',
    PAYMENTS_WEBHOOK_SECRET: '',
    SMTP_URL: '',
  });
  expect(code).toBe(78);
  expect(said).toMatch(
    /monolith\.yaml:\d+:\d+: settings\.payments\.webhookSecret is not set\. Set it to the secret that the provider signs webhooks with/,
  );
  expect(said).toMatch(
    /monolith\.yaml:\d+:\d+: settings\.notifications\.smtpUrl is not set\. Write the URL of an SMTP server/,
  );
  expect(
    (
      await main(['--topology', join(CONFIG, 'monolith.yaml'), '--check'], {
        NODE_ENV: 'production',
        PAYMENTS_WEBHOOK_SECRET: 'only-the-provider-knows',
        SMTP_URL: 'smtp://mail.test:587',
      })
    )[0],
  ).toBe(0);
});
