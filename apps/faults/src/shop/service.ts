import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type AgentOrder, type AgentReport, POISON_VARIABLE, type PoisonOrder, REPORT_FD } from '../agent/orders.js';
import type { Lines } from '../machine/lines.js';

const MAIN = fileURLToPath(new URL('../../../shop/src/main.js', import.meta.url));
const AGENT = new URL('../agent/agent.js', import.meta.url).href;
const READY_WITHIN_MS = 180_000;
const PROBE_MS = 2_000;
const RESTART_AFTER_MS = 200;
const LOG_LINES_MAX = 400;
const LAST_WORDS = 6;

/** How to run a replica. */
export interface ServiceOptions {
  readonly service: string;
  /** Its index among the replicas of its service. */
  readonly replica: number;
  readonly modules: readonly string[];
  readonly topologyFile: string;
  readonly port: number;
  readonly lines: Lines;
  /** Modules to load before the agent, for mutations of the shop's code. */
  readonly preload: readonly string[];
  /** How long a replica stays frozen at a checkpoint. */
  readonly frozenMs: number;
  readonly told: (service: string, report: AgentReport) => void;
}

/** One run of a replica. */
interface Run {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Whether it was ever ready. */
  wasReady: boolean;
  /** Whether the lab is ending it. */
  isEnded: boolean;
}

/** A replica of a service of the built shop, with the lab's agent in it; restarted whenever it ends. */
export class Service {
  private run: Run | undefined;
  private stopping = false;
  private poison: PoisonOrder | undefined;
  private deaths: string[] = [];
  private refusedStarts = 0;

  constructor(private readonly options: ServiceOptions) {}

  /** The name of its service. */
  get name(): string {
    return this.options.service;
  }

  /** Its own name. */
  get title(): string {
    return `${this.options.service}-${this.options.replica}`;
  }

  get modules(): readonly string[] {
    return this.options.modules;
  }

  get port(): number {
    return this.options.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.port}`;
  }

  get lines(): Lines {
    return this.options.lines;
  }

  /** Its last lines of output. */
  get log(): string {
    return this.run?.lines.join('\n') ?? '';
  }

  async start(): Promise<void> {
    this.stopping = false;
    this.begin();
    const until = performance.now() + READY_WITHIN_MS;
    while (!(await this.isReady())) {
      if (performance.now() > until)
        throw new Error(`${this.title} was not ready within ${READY_WITHIN_MS} ms:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Each unexpected end since the last call: the exit status, and its last lines. */
  takeDeaths(): string[] {
    const { deaths } = this;
    this.deaths = [];
    return deaths;
  }

  /** How often, since the last call, its start failed, as when the database was down. */
  takeRefusedStarts(): number {
    const { refusedStarts } = this;
    this.refusedStarts = 0;
    return refusedStarts;
  }

  /** Sends an order to its agent; ignored while the replica is down. */
  order(order: AgentOrder): void {
    if ('disarm' in order) this.poison = undefined;
    const child = this.run?.child;
    if (child?.connected) child.send(order, () => undefined);
  }

  /** Lets this replica end at a message, also after every restart, until it is disarmed. */
  poisoned(order: PoisonOrder): void {
    this.poison = order;
    this.order(order);
  }

  /** SIGKILL; it is restarted. */
  kill(): void {
    if (this.run === undefined) return;
    this.run.isEnded = true;
    this.run.child.kill('SIGKILL');
  }

  /** SIGSTOP until `healed`. */
  async freeze(healed: Promise<void>): Promise<void> {
    const child = this.run?.child;
    child?.kill('SIGSTOP');
    await healed.finally(() => child?.kill('SIGCONT'));
  }

  /** SIGTERM; resolves to its exit status. */
  async stop(): Promise<number | null> {
    this.stopping = true;
    const child = this.run?.child;
    // its pipes may close after the next run has begun
    if (this.run) this.run.isEnded = true;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await exited;
    return child.exitCode;
  }

  async isReady(): Promise<boolean> {
    return (await this.probe()) === 'ready';
  }

  /** Whether it is ready; `silent` if it does not answer at all although its port accepts connections. */
  async probe(): Promise<'ready' | 'not-ready' | 'silent'> {
    const { run } = this;
    try {
      const { status } = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(PROBE_MS) });
      if (status === 200 && run !== undefined) run.wasReady = true;
      return status === 200 ? 'ready' : 'not-ready';
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'silent' : 'not-ready';
    }
  }

  private begin(): void {
    const { service, topologyFile, port, preload } = this.options;
    const imports = [...preload, AGENT].flatMap((url) => ['--import', url]);
    const child = spawn(
      process.execPath,
      ['--no-warnings', ...imports, MAIN, '--topology', topologyFile, '--service', service],
      {
        env: {
          ...process.env,
          NODE_OPTIONS: '',
          FLEDGE_PORT: String(port),
          [POISON_VARIABLE]: this.poison === undefined ? '' : JSON.stringify(this.poison),
        },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      },
    );
    const run: Run = { child, lines: [], wasReady: false, isEnded: false };
    this.run = run;
    for (const stream of [child.stdout, child.stderr]) keep(run.lines, stream as Readable);
    createInterface({ input: child.stdio[REPORT_FD] as Readable }).on('line', (line) =>
      this.heard(run, JSON.parse(line) as AgentReport),
    );
    child.once('exit', () => {
      if (!this.stopping) setTimeout(() => !this.stopping && this.begin(), RESTART_AFTER_MS);
    });
    // 'close' comes after its last line, so after the report of its agent that this was ordered
    child.once('close', (code, signal) => !this.stopping && this.ended(run, code, signal));
  }

  private ended({ isEnded, wasReady, lines }: Run, code: number | null, signal: NodeJS.Signals | null): void {
    if (isEnded) return;
    // What Node writes last for an uncaught error.
    const isCrash = signal !== null || lines.some((line) => /^Node\.js v\d/.test(line));
    if (wasReady || isCrash)
      this.deaths.push(`${this.title} ended by itself with ${signal ?? `code ${code}`}: ${lastWords(lines)}`);
    else this.refusedStarts += 1;
  }

  private heard(run: Run, report: AgentReport): void {
    this.options.told(this.name, report);
    if (report.did === 'SIGKILL' || report.did === 'poisoned') run.isEnded = true;
    if (report.did === 'SIGSTOP') setTimeout(() => run.child.kill('SIGCONT'), this.options.frozenMs);
  }
}

/** Starts at the last line that names an error. */
function lastWords(lines: readonly string[]): string {
  const error = lines.findLastIndex((line) => /^\s*(throw |[\w.]*([eE]rror|Exception|Fault)\b.*:)/.test(line));
  return (error < 0 ? lines.slice(-LAST_WORDS) : lines.slice(error, error + LAST_WORDS))
    .map((line) => line.trim())
    .join(' | ');
}

function keep(lines: string[], stream: Readable): void {
  createInterface({ input: stream }).on('line', (line) => {
    lines.push(line);
    if (lines.length > LOG_LINES_MAX) lines.shift();
  });
}
