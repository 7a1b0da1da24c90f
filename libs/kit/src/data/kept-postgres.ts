import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresRefused, type PostgresProcess } from './postgres-process.js';

/** The pauses before a server is started again double between these limits, in milliseconds. */
const PAUSE_MIN_MS = 250;
const PAUSE_MAX_MS = 10_000;
/** A server that was up for this long counts as healthy: the pauses start from the minimum again. */
const HEALED_AFTER_MS = 30_000;

/** A server that is restarted whenever it ends unexpectedly, until it is stopped. */
export class KeptPostgres {
  private readonly halt = new AbortController();
  private readonly over: Promise<void>;

  /**
   * @param server the first run, which is ready.
   * @param again starts another run on the same folder and port; a rejection counts as a run that ended at once.
   * @param say receives a line when a run has ended, and one when the next is ready.
   */
  constructor(
    private server: PostgresProcess,
    private readonly again: () => Promise<PostgresProcess>,
    private readonly say: (line: string) => void,
  ) {
    this.over = this.keepUp();
  }

  /** Ends the server for good. Safe to call again. */
  async stop(): Promise<void> {
    this.halt.abort();
    await this.server.stop();
    await this.over;
  }

  private get isStopped(): boolean {
    return this.halt.signal.aborted;
  }

  private async keepUp(): Promise<void> {
    let pauseMs = PAUSE_MIN_MS;
    let since = performance.now();
    let end = await this.server.ended;
    while (!this.isStopped) {
      if (performance.now() - since >= HEALED_AFTER_MS) pauseMs = PAUSE_MIN_MS;
      this.say(`ended (${end}), and is started again in ${pauseMs} ms`);
      // rejects only if the server is stopped
      await sleep(pauseMs, undefined, { signal: this.halt.signal }).catch(() => undefined);
      pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2);
      since = performance.now();
      if (!this.isStopped) end = await this.runOnce();
    }
  }

  /** Resolves when the run has ended, with the reason. */
  private async runOnce(): Promise<string> {
    try {
      const server = await this.again();
      this.server = server;
      // a stop that came meanwhile has stopped only the run before
      if (this.isStopped) await server.stop();
      await server.ready();
      this.say('is ready again');
      return await server.ended;
    } catch (error) {
      await this.server.stop({ keepData: true });
      return error instanceof PostgresRefused ? error.reason : error instanceof Error ? error.message : String(error);
    }
  }
}
