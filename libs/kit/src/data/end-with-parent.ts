import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Waits for its standard input to close without any data, which happens only when the parent is gone. Then stops the
 * server with the process id `$1` and removes the folder `$2`, if given.
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
 * Ends a child process together with this process, however this one ends: also by SIGKILL, which runs no exit hook. A
 * small shell watches a pipe that only this process holds open; the shell ends with the child. `folder` is removed if
 * the parent dies without stopping the child; omit it for data that must stay.
 */
export function endWithParent(child: ChildProcess, folder = ''): void {
  const watcher = spawn('/bin/sh', ['-c', WATCH, 'fledge-watch', String(child.pid), folder], {
    // its own session, so that Ctrl-C in the terminal does not reach it before this process has shut down
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // without a watcher, the child merely loses this protection
  watcher.on('error', () => watcher.unref());
  watcher.stdin.on('error', () => watcher.unref());
  watcher.unref();
  child.once('exit', () => watcher.stdin.end('done\n'));
}
