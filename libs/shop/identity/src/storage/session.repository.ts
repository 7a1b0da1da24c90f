import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { SessionRow } from './session.row.js';

/** How long a session lasts from its log-in, in seconds: 30 days. */
const SESSION_LIFETIME_S = 30 * 86_400;
/** How long a session lasts without being refreshed, in seconds: 7 days. */
export const SESSION_IDLE_MAX_S = 7 * 86_400;
/** A user's sessions; a further log-in ends the one that was not refreshed for the longest time. */
const SESSIONS_MAX = 50;

const ALIVE = `created_at > now() - make_interval(secs => ${SESSION_LIFETIME_S})
  AND refreshed_at > now() - make_interval(secs => ${SESSION_IDLE_MAX_S})`;

/** Sessions, by the database's clock. */
@Injectable()
export class SessionRepository {
  constructor(@InjectRepository(SessionRow) private readonly rows: Repository<SessionRow>) {}

  /** Stores a new session, and ends the oldest of the user's if there are too many. */
  async add(id: string, userId: string, tokenHash: Buffer): Promise<void> {
    await this.rows
      .createQueryBuilder()
      .insert()
      .values({ id, userId, tokenHash, createdAt: () => 'now()', refreshedAt: () => 'now()' })
      .execute();
    await this.rows
      .createQueryBuilder()
      .delete()
      .where(
        `id IN (SELECT id FROM sessions WHERE user_id = :userId ORDER BY refreshed_at DESC, id OFFSET ${SESSIONS_MAX})`,
        { userId },
      )
      .execute();
  }

  /**
   * Replaces the newest token of a session that has not expired. Returns its user; `undefined` if there is no such
   * session, or the token is not its newest. Of several that do so at once with one token, one succeeds.
   */
  async rotate(id: string, from: Buffer, to: Buffer): Promise<string | undefined> {
    const result = await this.rows
      .createQueryBuilder()
      .update()
      .set({ tokenHash: to, refreshedAt: () => 'now()' })
      .where(`id = :id AND token_hash = :from AND ${ALIVE}`, { id, from })
      .returning('user_id')
      .execute();
    return (result.raw as { user_id: string }[])[0]?.user_id;
  }

  /** Ends a session; `false` if there is none, or it has expired. */
  async end(id: string): Promise<boolean> {
    const result = await this.rows
      .createQueryBuilder()
      .delete()
      .where('id = :id', { id })
      .returning(`(${ALIVE}) AS alive`)
      .execute();
    return (result.raw as { alive: boolean }[])[0]?.alive === true;
  }

  /**
   * Deletes up to `max` sessions that nobody has refreshed for too long; returns how many. One whose lifetime is over
   * cannot be refreshed, so it is among them at most a week later.
   */
  async deleteExpired(max: number): Promise<number> {
    const { affected } = await this.rows
      .createQueryBuilder()
      .delete()
      .where(
        `id IN (SELECT id FROM sessions WHERE refreshed_at <= now() - make_interval(secs => ${SESSION_IDLE_MAX_S}) LIMIT :max)`,
        { max },
      )
      .execute();
    return affected ?? 0;
  }
}
