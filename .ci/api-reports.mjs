/**
 * Writes what each entry of a published package exports, with its types, into `api/` beside it. A change of the public surface is a change
 * of a file that a reviewer sees.
 *
 *     npm run api             # after a change on purpose
 *     npm run api -- --check  # fails where a report is not what the code exports
 */
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const PACKAGES = ['libs/kit', 'libs/nats', 'apps/cli'];
const isCheck = process.argv.includes('--check');
const stale = [];
/** Types that a public signature names and no entry exports. */
const unnamed = [];
let errors = 0;

for (const folder of PACKAGES) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const reports = resolve(folder, 'api');
  mkdirSync(reports, { recursive: true });
  const names = new Set();
  for (const [key, entry] of Object.entries(exports)) {
    if (typeof entry !== 'object') continue;
    const name = key === '.' ? 'index' : key.slice(2).replaceAll('/', '-');
    names.add(`${name}.api.md`);
    if (!report(resolve(folder), entry.types, reports, name)) stale.push(join(folder, 'api', `${name}.api.md`));
  }
  const texts = [...names]
    .map((file) => join(reports, file))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  const exported = new Set(
    texts.flatMap((text) =>
      [
        ...text.matchAll(
          /^export (?:(?:declare|abstract|const|class|interface|type|function) )*(\w+)|^export \{ (\w+) \}/gm,
        ),
      ].map(([, name, again]) => name ?? again),
    ),
  );
  for (const [, symbol] of texts.join('\n').matchAll(/forgotten-export\) The symbol "(\w+)"/g))
    if (!exported.has(symbol)) unnamed.push(`${symbol} of ${folder}`);
  for (const file of readdirSync(reports)) {
    if (names.has(file)) continue;
    if (isCheck) stale.push(join(folder, 'api', file));
    else rmSync(join(reports, file));
  }
}
if (unnamed.length > 0) {
  console.error(`These types are used in public signatures but not exported: ${[...new Set(unnamed)].join(', ')}`);
  process.exitCode = 1;
}
if (errors > 0) process.exitCode = 1;
if (stale.length > 0 && isCheck) {
  console.error(`The public surface is not what these say: ${stale.join(', ')}\nIf it is to change, run: npm run api`);
  process.exitCode = 1;
}

/** Whether the report was up to date. */
function report(folder, types, reports, name) {
  const entry = join(folder, types);
  if (!existsSync(entry)) throw new Error(`${entry} is not there: npm run build && npm run types`);
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: entry,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: 'nodenext',
            moduleResolution: 'nodenext',
            target: 'es2022',
            lib: ['es2023'],
            skipLibCheck: true,
            types: ['node', 'jest'],
          },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: join(folder, 'dist/api'),
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None },
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const result = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback: (message) => {
      // only what is wrong
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  errors += result.errorCount;
  return !result.apiReportChanged;
}
