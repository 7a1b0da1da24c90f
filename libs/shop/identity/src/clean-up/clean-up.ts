import { Singleton } from '@fledge/kit';
import { Injectable } from '@nestjs/common';
import { LogInFailureRepository } from '../storage/log-in-failure.repository.js';
import { SessionRepository } from '../storage/session.repository.js';

/** The most rows of a table that one round deletes. */
const ROUND_MAX = 1_000;

/** Deletes sessions that have expired, and failed log-ins that no longer count. */
@Injectable()
export class CleanUp {
  constructor(
    private readonly sessions: SessionRepository,
    private readonly failures: LogInFailureRepository,
  ) {}

  /** One round; the next is due at once if there may be more. */
  @Singleton('clean-up-sessions', { everyMs: 1_000, idleMs: 600_000, onCommit: false })
  async round(): Promise<number | undefined> {
    const deleted = [await this.sessions.deleteExpired(ROUND_MAX), await this.failures.deleteOld(ROUND_MAX)];
    return deleted.includes(ROUND_MAX) ? undefined : Infinity;
  }
}
