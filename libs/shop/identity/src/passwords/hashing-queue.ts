import { LogInsOverloaded, TooManyLogIns } from '../../contract/index.js';

/** Whose password is hashed, and how long they wait for it. */
export interface HashingRequest {
  /** Where the request came from; counted against `perClientMax`. Default: not counted. */
  readonly client?: string;
  /** The account that it is for, whether it exists or not; counted against `perAccountMax`. Default: not counted. */
  readonly account?: string;
  /** Aborts when the client is gone: work that has not begun is then dropped. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the request's deadline. Default: none. */
  readonly timeLeftMs?: number;
}

/** How much of it there may be. */
export interface HashingLimits {
  /** Works at the same time. */
  readonly runningMax: number;
  /** Works that wait. */
  readonly waitingMax: number;
  /** Milliseconds that a work may wait. */
  readonly waitMaxMs: number;
  /** Works of one client, running or waiting. */
  readonly perClientMax: number;
  /** Works for one account, running or waiting. */
  readonly perAccountMax: number;
}

const RETRY_AFTER_S = 1;

/** Does a few works at a time, first come first served; refuses what is too much, and drops what nobody waits for. */
export class HashingQueue {
  private running = 0;
  /** What each waiting work is started by; a set keeps their order. */
  private readonly line = new Set<() => void>();
  private readonly clients = new Map<string, number>();
  private readonly accounts = new Map<string, number>();

  constructor(private readonly limits: HashingLimits) {}

  /** How many works wait. */
  get waiting(): number {
    return this.line.size;
  }

  /**
   * Runs `work` when its turn comes.
   * @throws TooManyLogIns at once, if the client or the account has too many already.
   * @throws LogInsOverloaded at once if the line is full; later if the turn does not come in time, or the client left.
   */
  async run<R>(request: HashingRequest, work: () => Promise<R>): Promise<R> {
    const { client, account } = request;
    const { perClientMax, perAccountMax } = this.limits;
    if (isFull(this.clients, client, perClientMax) || isFull(this.accounts, account, perAccountMax))
      throw new TooManyLogIns({ retryAfterSeconds: RETRY_AFTER_S });
    count(this.clients, client, 1);
    count(this.accounts, account, 1);
    try {
      await this.turn(request);
      try {
        return await work();
      } finally {
        this.leave();
      }
    } finally {
      count(this.clients, client, -1);
      count(this.accounts, account, -1);
    }
  }

  private async turn({ signal, timeLeftMs = Infinity }: HashingRequest): Promise<void> {
    if (signal?.aborted || timeLeftMs <= 0) throw overloaded();
    if (this.running < this.limits.runningMax) {
      this.running++;
      return;
    }
    if (this.line.size >= this.limits.waitingMax) throw overloaded();
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.line.delete(start);
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      };
      const start = (): void => {
        end();
        resolve();
      };
      const giveUp = (): void => {
        end();
        reject(overloaded());
      };
      const timer = setTimeout(giveUp, Math.min(timeLeftMs, this.limits.waitMaxMs));
      signal?.addEventListener('abort', giveUp);
      this.line.add(start);
    });
  }

  private leave(): void {
    const [next] = this.line;
    // the place is passed on, so that nobody can jump the line
    if (next) next();
    else this.running--;
  }
}

function overloaded(): LogInsOverloaded {
  return new LogInsOverloaded({ retryAfterSeconds: RETRY_AFTER_S });
}

function isFull(counts: ReadonlyMap<string, number>, key: string | undefined, max: number): boolean {
  return key !== undefined && (counts.get(key) ?? 0) >= max;
}

function count(counts: Map<string, number>, key: string | undefined, by: number): void {
  if (key === undefined) return;
  const after = (counts.get(key) ?? 0) + by;
  if (after > 0) counts.set(key, after);
  else counts.delete(key);
}
