import { execFileSync } from 'node:child_process';

/**
 * By file: the lines added or changed between the folders `before/` and `after/` of a folder, as `git diff --numstat`
 * counts them.
 */
export function linesAdded(folder: string): ReadonlyMap<string, number> {
  // Exit code 1 means that they differ.
  const diff = ((): string => {
    try {
      return execFileSync('git', ['diff', '--no-index', '--no-renames', '--numstat', 'before', 'after'], {
        cwd: folder,
        encoding: 'utf8',
      });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  })();
  return new Map(
    diff
      .trim()
      .split('\n')
      .map((line) => {
        const [added, , path] = line.split('\t') as [string, string, string];
        return [path.replace(/\{before => after\}\/|.*=> after\//, ''), Number(added)];
      }),
  );
}
