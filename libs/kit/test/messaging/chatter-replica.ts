import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a replica in a process of its own is, and what becomes of it. */
export interface ReplicaOrder {
  readonly databaseUrl: string;
  /** Left out: its modules are connected by the process alone. */
  readonly natsUrl?: string | undefined;
  readonly namespace: string;
  readonly listener?: 'older' | 'newer';
  /** Memory of its JavaScript heap at the most, in MiB, beyond which it dies. */
  readonly heapMax?: number;
  /** The signal that it gives itself, when it comes to a point in a message's life for the `after`th time. */
  readonly grief?: { readonly point: string; readonly signal: 'SIGKILL' | 'SIGSTOP'; readonly after: number };
}

/** What a replica is asked to do. */
export type ReplicaErrand =
  | { readonly do: 'measure' }
  | { readonly do: 'say'; readonly topic: string; readonly from: number; readonly count: number };

/** Its answer. */
export interface ReplicaAnswer {
  readonly id: number;
  /** The most memory that it has had so far, in bytes. */
  readonly rssMax: number;
  readonly failure?: string;
}

const MAIN = fileURLToPath(new URL('./chatter-replica.fixture.mjs', import.meta.url));

/** A replica of both chatter modules in a process of its own. */
export class ChatterReplica {
  /** Resolves to the signal that ended it, if one did. */
  readonly ended: Promise<NodeJS.Signals | null>;
  private lastId = 0;

  private constructor(private readonly child: ChildProcess) {
    // each errand under way listens to it
    child.setMaxListeners(0);
    this.ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  }

  /** Resolves when it is ready. */
  static async start(order: ReplicaOrder): Promise<ChatterReplica> {
    const child = fork(MAIN, [JSON.stringify(order)], {
      execArgv: [
        '--no-warnings',
        '--conditions',
        '@fledge/source',
        ...(order.heapMax === undefined ? [] : [`--max-old-space-size=${order.heapMax}`]),
      ],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const replica = new ChatterReplica(child);
    const first = await Promise.race([once(child, 'message'), replica.ended]);
    if (!Array.isArray(first)) throw new Error(`the replica ended before it was ready, by ${String(first)}`);
    return replica;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /**
   * Has it publish so many events on a topic, in one transaction. Answers whether it said that it did: it may die of
   * it.
   */
  async say(topic: string, from: number, count: number): Promise<boolean> {
    return (await this.ask({ do: 'say', topic, from, count })) !== undefined;
  }

  /** The most memory that it has had so far, in bytes. */
  async rssMax(): Promise<number> {
    const answer = await this.ask({ do: 'measure' });
    if (answer === undefined) throw new Error('the replica has ended');
    return answer.rssMax;
  }

  /** Whether it does nothing, not even answer. */
  async isFrozen(): Promise<boolean> {
    const silence = new Promise<'silence'>((resolve) => setTimeout(resolve, 1_000, 'silence'));
    return (await Promise.race([this.ask({ do: 'measure' }), silence])) === 'silence';
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

  /** Its answer; `undefined` when it ended without one. */
  private async ask(errand: ReplicaErrand): Promise<ReplicaAnswer | undefined> {
    if (!this.child.connected) return undefined;
    const id = ++this.lastId;
    let hear: (answer: ReplicaAnswer) => void = () => undefined;
    const answered = new Promise<ReplicaAnswer>((resolve) => {
      hear = (answer) => answer.id === id && resolve(answer);
      this.child.on('message', hear);
    });
    // what cannot be sent is answered by the end of the process
    this.child.send({ ...errand, id }, () => undefined);
    const answer = await Promise.race([answered, this.ended.then(() => undefined)]);
    this.child.off('message', hear);
    if (answer?.failure !== undefined) throw new Error(answer.failure);
    return answer;
  }
}
