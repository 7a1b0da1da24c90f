import { unwatchFile, watchFile } from 'node:fs';
import { readTlsFiles, type TlsFiles } from './tls-files.js';

/** How often the files are looked at, in milliseconds. By polling, which also sees what Kubernetes swaps by a link. */
const LOOK_EVERY_MS = 1_000;

/**
 * Calls `use` with new contents whenever the files have changed and fit each other, until the returned function is
 * called. `complain` receives why changed files are not used; those before them stay in use. Keeps no process alive.
 */
export function watchTlsFiles(
  files: TlsFiles,
  setting: string,
  use: (contents: TlsFiles) => void,
  complain: (error: Error) => void,
): () => void {
  const look = (): void => {
    try {
      use(readTlsFiles(files, setting));
    } catch (error) {
      // a certificate without its key yet: the other file is about to change, too
      complain(error as Error);
    }
  };
  const paths = Object.values(files).filter((file) => file !== undefined) as string[];
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => paths.forEach((path) => unwatchFile(path, look));
}
