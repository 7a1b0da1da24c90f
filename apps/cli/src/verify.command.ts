import { resolve } from 'node:path';
import {
  BASELINE_FILE,
  compareWithBaseline,
  describeVerification,
  readBaseline,
  verifyWorkspace,
  writeBaseline,
} from '@fledge/kit/verify';
import { usageError } from './command.js';
import { rootAround } from './workspace-root.js';

const USAGE = 'fledge verify [folder] [--baseline]';

/**
 * `fledge verify [folder]`: reports every boundary violation in the sources of a workspace or an application; exits
 * with 1 if there is one. Needs no build. With a baseline, which `--baseline` writes, it reports only new ones, and
 * also exits with 1 if the baseline lists a violation that is fixed: it may only become shorter.
 */
export async function verify(args: readonly string[]): Promise<number> {
  const freezes = args.includes('--baseline');
  const [folder, ...rest] = args.filter((arg) => arg !== '--baseline');
  if (rest.length > 0 || folder?.startsWith('-')) throw usageError(USAGE, 'it takes one folder');
  const root = folder === undefined ? rootAround(process.cwd()) : resolve(folder);
  const baseline = readBaseline(root);
  const verification = await verifyWorkspace(root);
  if (baseline === undefined && freezes) {
    writeBaseline(root, verification.violations);
    process.stdout.write(`fledge verify: ${verification.violations.length} violations are in ${BASELINE_FILE} now\n`);
    return 0;
  }
  const { added, known, mended } = compareWithBaseline(verification.violations, baseline ?? []);
  process.stdout.write(describeVerification({ ...verification, violations: added }));
  if (known.length > 0) process.stdout.write(`fledge verify: and ${known.length} known ones in ${BASELINE_FILE}\n`);
  if (added.length > 0) return 1;
  if (mended === 0) return 0;
  if (freezes) writeBaseline(root, known);
  process.stdout.write(
    `fledge verify: ${mended} of ${BASELINE_FILE} are fixed${freezes ? ' and were removed' : ': remove them with fledge verify --baseline'}\n`,
  );
  return freezes ? 0 : 1;
}
