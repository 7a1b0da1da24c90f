import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { StartupError } from '@fledge/kit/operations';
import { describeVerification, verifyWorkspace } from '@fledge/kit/verify';
import { usageError } from './command.js';

/** `fledge verify [folder]`: tells every broken boundary in a workspace's sources; 1 if there is one. Needs no build of them. */
export async function verify(args: readonly string[]): Promise<number> {
  const [folder, ...rest] = args;
  if (rest.length > 0 || folder?.startsWith('-')) throw usageError('fledge verify [folder]', 'it takes one folder');
  const verification = await verifyWorkspace(folder === undefined ? workspaceAround(process.cwd()) : resolve(folder));
  process.stdout.write(describeVerification(verification));
  return verification.violations.length === 0 ? 0 : 1;
}

function workspaceAround(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && 'workspaces' in (JSON.parse(readFileSync(file, 'utf8')) as object)) return folder;
    if (dirname(folder) === folder) throw new StartupError('workspace', `no package.json from ${from} upward has "workspaces"`, 'Run this in an npm workspace, or name its folder.');
  }
}
