import { Injectable, Logger } from '@nestjs/common';
import { SessionEnded } from '../../contract/index.js';
import type { User } from '../domain/user.js';
import { TokenSigner } from '../signing/token-signer.js';
import { SESSION_IDLE_MAX_S, SessionRepository } from '../storage/session.repository.js';
import { UserRepository } from '../storage/user.repository.js';
import { newRefreshToken, readRefreshToken } from './refresh-token.js';
import { TokensView } from './tokens.view.js';

/** Opens sessions, keeps them going by new tokens, and ends them. */
@Injectable()
export class Sessions {
  private readonly logger = new Logger(Sessions.name);

  constructor(
    private readonly sessions: SessionRepository,
    private readonly users: UserRepository,
    private readonly signer: TokenSigner,
  ) {}

  /** Opens a session of a user who has proven who they are. */
  async open(user: User): Promise<TokensView> {
    const token = newRefreshToken();
    await this.sessions.add(token.sessionId, user.id, token.hash);
    return this.tokens(user, token.text);
  }

  /**
   * Takes a refresh token and returns new tokens. A token that was used before ends its session: either the user or a
   * thief has the newer one, and it cannot be told who.
   * @throws SessionEnded
   */
  async refresh(text: string): Promise<TokensView> {
    const used = readRefreshToken(text);
    if (!used) throw new SessionEnded();
    const next = newRefreshToken(used.sessionId);
    const userId = await this.sessions.rotate(used.sessionId, used.hash, next.hash);
    if (userId === undefined) {
      if (await this.sessions.end(used.sessionId))
        this.logger.warn(`Session ${used.sessionId} has ended: a refresh token was used that is not its newest.`);
      throw new SessionEnded();
    }
    const user = await this.users.find(userId);
    if (!user) throw new SessionEnded();
    return this.tokens(user, next.text);
  }

  /** Ends the session of a refresh token, also of one that was used before. Does nothing if there is none. */
  async end(text: string): Promise<void> {
    const token = readRefreshToken(text);
    if (token) await this.sessions.end(token.sessionId);
  }

  private async tokens(user: User, refreshToken: string): Promise<TokensView> {
    return {
      accessToken: await this.signer.sign(user),
      tokenType: 'Bearer',
      expiresInSeconds: this.signer.lifetimeS,
      refreshToken,
      refreshExpiresInSeconds: SESSION_IDLE_MAX_S,
    };
  }
}
