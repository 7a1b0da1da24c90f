import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithParent } from './end-with-parent.js';
import { commandAs } from './postgres-account.js';
import type { DataFolder } from './postgres-folder.js';
import { serverEnvironment } from './server-environment.js';

const INIT_TIMEOUT_MS = 120_000;
/** Recovery after a power cut replays the log, which takes a while for a busy server. */
const START_TIMEOUT_MS = 120_000;
/** How long to wait after each of the gentler signals before sending the next. */
const FAST_STOP_MS = 10_000;
const IMMEDIATE_STOP_MS = 5_000;
const LOG_LINES_KEPT = 50;

/** PostgreSQL ended instead of starting. */
export class PostgresRefused extends Error {
  constructor(
    what: string,
    /** The last lines of its log. */
    readonly log: string,
  ) {
    super(`${what}: ${log}`);
  }

  /** The log line with the reason, if there is one. */
  get reason(): string {
    const lines = this.log.split('\n').filter((line) => line.trim() !== '');
    const telling =
      lines.find((line) => /(FATAL|PANIC|error):|cannot|could not|not found/i.test(line)) ??
      lines.at(-1) ??
      'it gave no reason';
    return telling.replace(/^.*?(FATAL|PANIC):\s*/, '');
  }
}

/** Makes the files of a server in its empty folder; flushed to the disk if they must survive a power cut. */
export async function initialize(
  initdb: string,
  folder: DataFolder,
  user: string,
  password: string,
  persistent: boolean,
): Promise<void> {
  const options = [
    `--pgdata=${folder.dir}`,
    `--username=${user}`,
    '--auth=scram-sha-256',
    '--pwfile=/dev/stdin',
    '--encoding=UTF8',
    // the same sort order and letter case rules on every machine, whatever its locales
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(persistent ? [] : ['--no-sync']),
  ];
  // a pipe made by the shell, because Node's own pipes are sockets, which cannot be opened as /dev/stdin
  const { program, args, as } = commandAs(folder.account, '/bin/sh', [
    '-c',
    'printf "%s\\n" "$FLEDGE_PASSWORD" | "$0" "$@"',
    initdb,
    ...options,
  ]);
  const env = { ...serverEnvironment(), FLEDGE_PASSWORD: password };
  await new Promise<void>((done, fail) => {
    execFile(program, args, { ...as, cwd: folder.dir, env, timeout: INIT_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error) fail(new PostgresRefused('initdb failed', `${stdout}${stderr}` || error.message));
      else done();
    });
  });
}

/** One run of the server. */
export class PostgresProcess {
  private readonly child: ChildProcess;
  /** Resolves with the exit code or signal, in words, when it has ended. */
  readonly ended: Promise<string>;
  private readonly started: Promise<void>;
  private readonly lines: string[] = [];
  private stopping: Promise<void> | undefined;

  constructor(
    program: string,
    private readonly folder: DataFolder,
    readonly port: number,
    settings: Readonly<Record<string, string | number>>,
    private readonly persistent: boolean,
    private readonly log: (line: string) => void = () => undefined,
  ) {
    const flags = Object.entries({ port, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const command = commandAs(folder.account, program, ['-D', folder.dir, ...flags]);
    this.child = spawn(command.program, command.args, {
      ...command.as,
      cwd: folder.dir,
      env: serverEnvironment(),
      // Ctrl-C in a terminal reaches the whole process group: the server must outlive the host's drain
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.ended = new Promise((done) => {
      this.child.once('exit', (code, signal) => done(signal ? `signal ${signal}` : `exit code ${code}`));
      this.child.once('error', (error) => done(error.message));
    });
    this.started = this.watch();
    // `ready()` reports the failure; after a stop nobody may await it
    this.started.catch(() => undefined);
    if (this.child.pid !== undefined) endWithParent(this.child, persistent ? '' : folder.dir);
  }

  /** Settles when the server accepts connections; rejects with `PostgresRefused` if it ends or hangs instead. */
  async ready(): Promise<void> {
    const late = new AbortController();
    const limit = sleep(START_TIMEOUT_MS, undefined, { signal: late.signal }).then(() => {
      throw new PostgresRefused(`no connections after ${START_TIMEOUT_MS} ms`, this.lines.join('\n'));
    });
    try {
      await Promise.race([this.started, limit]);
    } finally {
      late.abort();
      limit.catch(() => undefined);
    }
  }

  /** Stops the server, and removes a temporary server's folder unless it will be used again. */
  stop(options: { readonly keepData?: boolean } = {}): Promise<void> {
    return (this.stopping ??= this.end(options.keepData ?? false));
  }

  private async end(keepData: boolean): Promise<void> {
    for (const [signal, patienceMs] of [
      ['SIGINT', FAST_STOP_MS],
      ['SIGQUIT', IMMEDIATE_STOP_MS],
      ['SIGKILL', 1_000],
    ] as const) {
      this.child.kill(signal);
      const patience = new AbortController();
      await Promise.race([this.ended, sleep(patienceMs, undefined, { signal: patience.signal })]);
      patience.abort();
      if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) break;
    }
    this.child.stderr?.destroy();
    if (!this.persistent && !keepData) await rm(this.folder.dir, { recursive: true, force: true });
  }

  private watch(): Promise<void> {
    return new Promise((done, fail) => {
      if (this.child.stderr) {
        createInterface({ input: this.child.stderr }).on('line', (line) => {
          this.lines.push(line);
          if (this.lines.length > LOG_LINES_KEPT) this.lines.shift();
          this.log(line);
          if (line.includes('database system is ready to accept connections')) done();
        });
      }
      this.child.once('error', (error) => fail(new PostgresRefused('the server did not start', error.message)));
      // 'close' comes after the last line; 'exit' may come before it
      this.child.once('close', (code, signal) => {
        if (!this.stopping)
          this.log(`the embedded PostgreSQL in ${this.folder.dir} ended by itself (${signal ?? `code ${code}`})`);
        fail(new PostgresRefused('the server ended', this.lines.join('\n')));
      });
    });
  }
}
