import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type AgentOrder, type AgentReport, REPORT_FD } from '../agent/orders.js';

const MAIN = fileURLToPath(new URL('../../../shop/src/main.js', import.meta.url));
const AGENT = new URL('../agent/agent.js', import.meta.url).href;
const READY_WITHIN_MS = 180_000;
const RESTART_AFTER_MS = 200;
const LOG_LINES_MAX = 400;

/** How a replica is run. */
export interface ServiceOptions {
  readonly service: string;
  readonly topologyFile: string;
  readonly port: number;
  /** Modules that are loaded before the agent, for mutations of the shop's code. */
  readonly preload: readonly string[];
  /** How long the lab leaves a replica that was frozen at a point. */
  readonly frozenMs: number;
  readonly told: (service: string, report: AgentReport) => void;
}

/** A replica of a service of the built shop, with the lab's agent in it; started again whenever it ends. */
export class Service {
  private child: ChildProcess | undefined;
  private stopping = false;
  private readonly lines: string[] = [];
  /** How often it ended without being asked to. */
  deaths = 0;

  constructor(private readonly options: ServiceOptions) {}

  get name(): string {
    return this.options.service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.port}`;
  }

  /** The last lines that it wrote. */
  get log(): string {
    return this.lines.join('\n');
  }

  async start(): Promise<void> {
    this.run();
    const until = performance.now() + READY_WITHIN_MS;
    while (!(await this.isReady())) {
      if (performance.now() > until) throw new Error(`${this.name} was not ready within ${READY_WITHIN_MS} ms:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Has the agent in it do something; a replica that is down at the moment is spared. */
  order(order: AgentOrder): void {
    if (this.child?.connected) this.child.send(order, () => undefined);
  }

  /** SIGKILL; it is started again. */
  kill(): void {
    this.child?.kill('SIGKILL');
  }

  /** SIGSTOP for a while. */
  async freeze(ms: number): Promise<void> {
    const { child } = this;
    child?.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, ms));
    child?.kill('SIGCONT');
  }

  /** SIGTERM, and what it ended with. */
  async stop(): Promise<number | null> {
    this.stopping = true;
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await exited;
    return child.exitCode;
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).status === 200;
    } catch {
      // It does not listen: whoever waits for it has a limit.
      return false;
    }
  }

  private run(): void {
    const { service, topologyFile, port, preload } = this.options;
    const imports = [...preload, AGENT].flatMap((url) => ['--import', url]);
    const child = spawn(process.execPath, ['--no-warnings', ...imports, MAIN, '--topology', topologyFile, '--service', service], {
      env: { ...process.env, NODE_OPTIONS: '', FLEDGE_PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) this.keep(stream as Readable);
    createInterface({ input: child.stdio[REPORT_FD] as Readable }).on('line', (line) => this.heard(child, JSON.parse(line) as AgentReport));
    child.once('exit', () => {
      if (this.stopping) return;
      this.deaths += 1;
      setTimeout(() => !this.stopping && this.run(), RESTART_AFTER_MS);
    });
  }

  private heard(child: ChildProcess, report: AgentReport): void {
    this.options.told(this.name, report);
    if (report.did === 'SIGSTOP') setTimeout(() => child.kill('SIGCONT'), this.options.frozenMs);
  }

  private keep(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.lines.push(line);
      if (this.lines.length > LOG_LINES_MAX) this.lines.shift();
    });
  }
}
