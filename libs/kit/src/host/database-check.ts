import { DatabaseError, Pool } from 'pg';
import { now } from '../boundary/index.js';
import { SteadyClient } from '../data/index.js';

/**
 * How long a result of the check is valid, in milliseconds: however often it is requested, the server is queried once
 * in this time.
 */
export const DATABASE_CHECK_EVERY_MS = 1_000;
/** How long the server has to answer. */
export const DATABASE_CHECK_TIMEOUT_MS = 1_000;

const TOO_MANY_CONNECTIONS = '53300';

/**
 * Whether the database of a process answers. The check has its own connection, so that modules which use all of theirs
 * under load are not mistaken for an unreachable database; for the same reason the first timeout of one second is
 * ignored.
 */
export class DatabaseCheck {
  private readonly pool: Pool;
  private verdict = true;
  private silences = 0;
  private askedAt = -Infinity;
  private asking: Promise<boolean> | undefined;

  constructor(url: string) {
    this.pool = new Pool({
      Client: SteadyClient,
      connectionString: url,
      max: 1,
      connectionTimeoutMillis: DATABASE_CHECK_TIMEOUT_MS,
      query_timeout: DATABASE_CHECK_TIMEOUT_MS,
      application_name: 'fledge:readiness',
      keepAlive: true,
      allowExitOnIdle: true,
    });
    // a broken connection is replaced at the next check; without a listener the event would end the process
    this.pool.on('error', () => undefined);
  }

  /** Whether it answered, at most `DATABASE_CHECK_EVERY_MS` ago. Never rejects. */
  answers(): Promise<boolean> {
    if (this.asking) return this.asking;
    if (now() - this.askedAt < DATABASE_CHECK_EVERY_MS) return Promise.resolve(this.verdict);
    return (this.asking = this.ask().finally(() => {
      this.askedAt = now();
      this.asking = undefined;
    }));
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async ask(): Promise<boolean> {
    try {
      await this.pool.query('select 1');
      this.silences = 0;
      this.verdict = true;
    } catch (error) {
      this.silences = isSilence(error) ? this.silences + 1 : 0;
      // a server without a spare connection is reachable: the modules have theirs
      const isBusy = this.silences === 1 || (error instanceof DatabaseError && error.code === TOO_MANY_CONNECTIONS);
      this.verdict = isBusy ? this.verdict : false;
    }
    return this.verdict;
  }
}

/** The checks of all servers that the modules of a process use. */
export class DatabaseChecks {
  private readonly checks = new Map<string, DatabaseCheck>();

  /** Includes the server of a URL; only the first user of a database is asked. */
  watch(url: string): void {
    const { host, pathname } = new URL(url);
    const place = `${host}${pathname}`;
    if (!this.checks.has(place)) this.checks.set(place, new DatabaseCheck(url));
  }

  /** Whether all answer; true without any. Never rejects. */
  async answer(): Promise<boolean> {
    if (this.checks.size === 0) return true;
    return (await Promise.all([...this.checks.values()].map((check) => check.answers()))).every(Boolean);
  }

  async close(): Promise<void> {
    await Promise.all([...this.checks.values()].map((check) => check.close()));
  }
}

/** Whether a connection or an answer did not come in time: pg has no error code for this. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && /timeout/i.test(error.message) && !(error instanceof DatabaseError);
}
