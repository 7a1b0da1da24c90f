import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a replica in a process of its own is, and what becomes of it. */
export interface ReplicaOrder {
  readonly databaseUrl: string;
  /** Left out: its modules are connected by the process alone. */
  readonly natsUrl?: string;
  readonly namespace: string;
  readonly listener?: 'older' | 'newer';
  /** The signal that it gives itself, when it comes to a point in a message's life for the `after`th time. */
  readonly grief?: { readonly point: string; readonly signal: 'SIGKILL' | 'SIGSTOP'; readonly after: number };
}

const MAIN = fileURLToPath(new URL('./chatter-replica.fixture.mjs', import.meta.url));

/** A replica of both chatter modules in a process of its own. */
export class ChatterReplica {
  /** Resolves to the signal that ended it, if one did. */
  readonly ended: Promise<NodeJS.Signals | null>;

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  }

  /** Resolves when it is ready. */
  static async start(order: ReplicaOrder): Promise<ChatterReplica> {
    const child = fork(MAIN, [JSON.stringify(order)], { execArgv: ['--no-warnings', '--conditions', 'source'], env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const replica = new ChatterReplica(child);
    const first = await Promise.race([once(child, 'message'), replica.ended]);
    if (!Array.isArray(first)) throw new Error(`the replica ended before it was ready, by ${String(first)}`);
    return replica;
  }

  /** The most memory that it has had so far, in bytes. */
  async rssMax(): Promise<number> {
    const answered = once(this.child, 'message');
    this.child.send('rss');
    const [{ rssMax }] = (await answered) as [{ rssMax: number }];
    return rssMax;
  }

  /** Lets it go on after a SIGSTOP. */
  goOn(): void {
    this.child.kill('SIGCONT');
  }

  /** Stops it as a deployment does. */
  async close(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }

  /** Ends it, whatever it is doing. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
