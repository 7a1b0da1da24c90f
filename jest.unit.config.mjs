/**
 * The specs that need no server and no process: `npm run test:unit`, for a quick look while writing. `npm test` runs
 * all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shared, testTimeout } from './jest.config.mjs';

/** What a spec imports, or starts, that is more than code. */
const NEEDS_MORE =
  /fresh-database|freshDatabase|testNatsUrl|startNatsServer|testModule|startEmbeddedPostgres|node:(?:child_process|worker_threads|net|http)|broker\.js|rig\.js|new Host\(|started-shop|service-process|scenario|compliance|checkouts|errands|talk\.js|fixture/;

function specsBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['node_modules', 'dist', 'template'].includes(entry.name) ? [] : specsBelow(path);
    return entry.name.endsWith('.spec.ts') ? [path] : [];
  });
}

const { globalSetup: _servers, globalTeardown: _ends, ...rest } = shared;
const units = ['libs', 'apps']
  .flatMap(specsBelow)
  .filter((path) => !NEEDS_MORE.test(path + readFileSync(path, 'utf8')));

export default { ...rest, testMatch: units.map((path) => `<rootDir>/${path}`), maxWorkers: 2, testTimeout };
