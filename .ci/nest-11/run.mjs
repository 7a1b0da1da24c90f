/**
 * Runs the kit under Nest 11, in a copy of this repository whose packages ask for it: the types, the parity law, the
 * messaging suite, the adoption of an application, gateways and GraphQL.
 *
 *     npm run test:nest-11
 *     npm run test:nest-11 -- libs/kit/test/graphql.spec   # only the specs named
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Ends a hang. */
const STEP_TIMEOUT_MS = 900_000;
/** What of Nest the kit runs on, as a team that stays on 11 has it. */
const NEST_11 = {
  common: '^11.2.0',
  core: '^11.2.0',
  'platform-express': '^11.2.0',
  'platform-fastify': '^11.2.0',
  testing: '^11.2.0',
  cqrs: '^11.0.3',
  typeorm: '^11.0.3',
  swagger: '^11.4.0',
  microservices: '^11.2.0',
  websockets: '^11.2.0',
  'platform-ws': '^11.2.0',
  'platform-socket.io': '^11.2.0',
  graphql: '^13.4.5',
  apollo: '^13.4.5',
};
// Not the features of Nest that modules use: one of their handlers is made by a factory, which CQRS 11 does not take.
const SPECS = [
  'libs/kit/test/law/law.spec',
  'libs/kit/test/messaging/messaging.spec',
  'libs/kit/test/adoption/',
  'libs/kit/test/http-platforms.spec',
  'libs/kit/test/gateways.spec',
  'libs/kit/test/graphql.spec',
  'libs/kit/test/microservices/microservices.spec',
  'libs/kit/test/whole-application/',
];
/** What brings peers of its own, and needs no Nest 11. */
const LEFT_OUT = ['apps/bench/', 'apps/faults/', 'apps/create/', 'libs/kit/test/nest-packages'];
/** Packages of the last of these that npm cannot install beside Nest 11 in this workspace. */
const LEFT_OUT_PACKAGES = /^ *"@nestjs\/(?:terminus|devtools-integration)": ".*\n/gm;

const named = process.argv.slice(2);
const root = mkdtempSync(join(tmpdir(), 'fledge-nest-11-'));
try {
  const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
  for (const file of files.filter(
    (file) => file !== 'package-lock.json' && !LEFT_OUT.some((folder) => file.startsWith(folder)),
  ))
    copy(file);
  // the embedded PostgreSQL is linked by its install script
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error']);
  console.log(`Nest ${JSON.parse(readFileSync(join(root, 'node_modules/@nestjs/core/package.json'), 'utf8')).version}`);
  run('npx', ['tsc', '--noEmit']);
  run('npm', ['run', '--silent', 'build']);
  run(process.execPath, [
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    ...(named.length > 0 ? named : SPECS),
  ]);
} finally {
  rmSync(root, { recursive: true, force: true });
}

function copy(file) {
  const to = join(root, file);
  mkdirSync(dirname(to), { recursive: true });
  if (file.endsWith('package.json')) writeFileSync(to, withNest11(readFileSync(file, 'utf8')));
  else cpSync(file, to, { verbatimSymlinks: true });
}

function withNest11(text) {
  return text
    .replace(LEFT_OUT_PACKAGES, '')
    .replace(/"@nestjs\/([\w.-]+)": "[^"]+"/g, (all, name) =>
      name in NEST_11 ? `"@nestjs/${name}": "${NEST_11[name]}"` : all,
    );
}

function run(command, args) {
  execFileSync(command, args, { cwd: root, stdio: 'inherit', timeout: STEP_TIMEOUT_MS });
}
