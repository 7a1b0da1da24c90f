import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Waits for its standard input to end without a word, which happens only when the parent is gone, and then stops the
 * server whose process id is `$1` and removes the folder `$2`, if one is named.
 */
const WATCH = `
read -r word && exit 0
kill -INT "$1" || exit 0
tries=0
while kill -0 "$1" && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "$1"
[ -z "$2" ] || rm -rf "$2"
`;

/**
 * Makes a child process end when this process does, however this one ends: also by SIGKILL, where no exit hook runs.
 * A small shell watches a pipe that only this process holds open; it ends with the child.
 * `folder` is removed when the parent died without stopping the child; leave it out for data that must stay.
 */
export function endWithParent(child: ChildProcess, folder = ''): void {
  const watcher = spawn('/bin/sh', ['-c', WATCH, 'fledge-watch', String(child.pid), folder], {
    // a session of its own, so that Ctrl-C in the terminal does not reach it before this process has shut down
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // a watcher that could not be started or is gone leaves the child as it would be without one
  watcher.on('error', () => watcher.unref());
  watcher.stdin.on('error', () => watcher.unref());
  watcher.unref();
  child.once('exit', () => watcher.stdin.end('done\n'));
}
