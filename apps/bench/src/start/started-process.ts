import { type ChildProcess, spawn } from 'node:child_process';
import { get } from 'node:http';
import { freePort } from '@fledge/kit/operations';
import { kill, whenReady } from '../child-process.js';
import { usageOf } from '../shop/process-tree.js';

/** What to start, and how to detect that it is ready. */
export interface Subject {
  readonly name: string;
  /** Arguments of `node`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its working directory; default: that of this process. */
  readonly cwd?: string;
  /** The path that answers 200 once it is ready. */
  readonly path: string;
}

/** The cost of a start. */
export interface StartCost {
  /** From the spawn to the first 200. */
  readonly readyMs: number;
  /** Processor time until then, of the process and everything it started. */
  readonly cpuMs: number;
  /** Resident memory then, without PostgreSQL. */
  readonly memoryMiB: number;
}

const ASK_EVERY_MS = 5;

/** One run of a subject. */
export class StartedProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly cost: StartCost,
  ) {}

  /** Starts it, and resolves when it is ready. @throws Error when it ends before, or takes longer than two minutes. */
  static async of(subject: Subject): Promise<StartedProcess> {
    const port = await freePort();
    const from = performance.now();
    const child = spawn(process.execPath, [...subject.args], {
      cwd: subject.cwd,
      env: { ...process.env, ...subject.env, FLEDGE_PORT: String(port), PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const url = `http://127.0.0.1:${port}${subject.path}`;
    await whenReady(child, subject.name, async () => (await answers(url)) || undefined, ASK_EVERY_MS);
    const readyMs = performance.now() - from;
    const { cpuSeconds } = await usageOf(child.pid as number);
    return new StartedProcess(child, { readyMs, cpuMs: cpuSeconds * 1_000, memoryMiB: await memoryOf(child) });
  }

  /** Resident memory now, without PostgreSQL. */
  memoryMiB(): Promise<number> {
    return memoryOf(this.child);
  }

  /** Asks it to end; resolves when it has. */
  end(): Promise<void> {
    return kill(this.child, 'SIGTERM');
  }
}

async function memoryOf({ pid }: ChildProcess): Promise<number> {
  const [all, postgres] = await Promise.all([usageOf(pid as number), usageOf(pid as number, 'postgres')]);
  return all.memoryMiB - postgres.memoryMiB;
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}
