import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartupError } from '@fledge/kit/operations';
import { packageFolders, workspacePatterns } from '@fledge/kit/verify';

/** The folder of the nearest package, or of the workspace that lists it. */
export function rootAround(from: string): string {
  let nearest: string | undefined;
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) {
      nearest ??= folder;
      if (workspacePatterns(folder) && (folder === nearest || packageFolders(folder).includes(nearest))) return folder;
    }
    if (dirname(folder) === folder) break;
  }
  if (nearest !== undefined) return nearest;
  throw new StartupError(
    'workspace',
    `there is no package.json from ${from} upward`,
    'Run this in an application or a workspace, or name its folder.',
  );
}
