import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartupError } from '@fledge/kit/operations';
import type { Project } from '../../project.js';
import type { LineLog } from '../line-log.js';

/** What the compiler reports: after a build, the files whose content is new, or what is wrong; or why it cannot work. */
export type BuildReport =
  | { readonly changed: readonly string[] }
  | { readonly errors: readonly string[]; readonly errorCount: number }
  | { readonly obstacle: string };

/** Who writes about builds in the log. */
export const BUILD = 'build';
const COMPILER = fileURLToPath(new URL('./compiler.js', import.meta.url));
const START_AGAIN_MS = 1_000;
const CONFIGS = ['tsconfig.build.json', 'tsconfig.json'];
const CURE = 'Or build by other means, and leave out --watch.';

/** Compiles a project whenever its sources change, in a process of its own. */
export class BuildWatch {
  private child: ChildProcess | undefined;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private said = '';
  private settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(
    private readonly project: Pick<Project, 'root' | 'tsconfig'>,
    private readonly log: LineLog,
    /** Called after each build without errors with the files whose content has changed. */
    private readonly onBuilt: (changed: readonly string[]) => void,
  ) {}

  /**
   * Starts it; resolves after the first build without errors, or when it is stopped.
   * @throws StartupError if the project cannot be watched.
   */
  start(): Promise<void> {
    const config = this.findConfig();
    const typescript = this.findTypeScript();
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.run([config, typescript, this.log.coloured ? 'coloured' : '']);
    });
  }

  /** Ends it at once. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.child?.kill('SIGKILL');
    this.settle?.resolve();
  }

  private run(args: readonly string[]): void {
    const child = fork(COMPILER, [...args], { cwd: this.project.root, detached: true, execArgv: [] });
    this.child = child;
    child.on('message', (report: BuildReport) => this.take(report));
    child.once('exit', () => {
      if (!this.stopped) this.timer = setTimeout(() => this.run(args), START_AGAIN_MS);
    });
  }

  private take(report: BuildReport): void {
    if (this.stopped) return;
    if ('obstacle' in report) {
      this.settle?.reject(new StartupError('build', report.obstacle, this.hint()));
      return this.stop();
    }
    if ('errors' in report) return this.tell(report.errors, report.errorCount);
    if (this.said !== '') this.log.print(BUILD, 'no more errors');
    this.said = '';
    this.settle?.resolve();
    this.onBuilt(report.changed);
  }

  /** Says what is wrong, but not again while it stays the same. */
  private tell(errors: readonly string[], errorCount: number): void {
    const said = errors.join('\n');
    if (said === this.said) return;
    this.said = said;
    for (const line of errors) this.log.print(BUILD, line);
    this.log.print(BUILD, `${errorCount === 1 ? '1 error' : `${errorCount} errors`}: what runs goes on as it was`);
  }

  private findConfig(): string {
    const { root, tsconfig } = this.project;
    const found = tsconfig === undefined ? CONFIGS.find((name) => existsSync(join(root, name))) : tsconfig;
    if (found === undefined || !existsSync(join(root, found)))
      throw new StartupError('build', `there is no ${found ?? CONFIGS.join(', and no ')} in ${root}`, this.hint());
    return join(root, found);
  }

  private findTypeScript(): string {
    try {
      return createRequire(join(this.project.root, 'package.json')).resolve('typescript');
    } catch {
      throw new StartupError(
        'typescript',
        `TypeScript, which builds the sources, is not installed in ${this.project.root}`,
        'Install it: npm install --save-dev typescript.',
      );
    }
  }

  private hint(): string {
    return `Name the configuration to watch in package.json: "fledge": { "tsconfig": "tsconfig.build.json" }. ${CURE}`;
  }
}
