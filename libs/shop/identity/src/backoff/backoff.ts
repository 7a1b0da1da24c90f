import { Injectable } from '@nestjs/common';
import { LogInBlocked } from '../../contract/index.js';
import { LogInFailureRepository } from '../storage/log-in-failure.repository.js';
import { type FailureKind, failureKeys, pauseLeftS } from './backoff-rules.js';

/** Slows down those who guess passwords. Knows nothing of users, so an unknown account is treated like any other. */
@Injectable()
export class Backoff {
  constructor(private readonly failures: LogInFailureRepository) {}

  /** @throws LogInBlocked if a log-in to this account by this client must wait. */
  async check(account: string, client: string): Promise<void> {
    const keys = Object.entries(failureKeys(account, client)) as [FailureKind, string][];
    const found = await this.failures.list(keys.map(([, key]) => key));
    const pausesS = found.map(({ key, count, ageS }) => {
      const [kind] = keys.find(([, known]) => known === key) as [FailureKind, string];
      return pauseLeftS({ kind, count, ageS });
    });
    const pauseS = Math.max(0, ...pausesS);
    if (pauseS > 0) throw new LogInBlocked({ retryAfterSeconds: Math.ceil(pauseS) });
  }

  /** Notes that a log-in failed. */
  failed(account: string, client: string): Promise<void> {
    return this.failures.add(Object.values(failureKeys(account, client)));
  }

  /**
   * Notes that a log-in succeeded. Others may still be guessing at the account, and the client at other accounts: what
   * counts these stays.
   */
  succeeded(account: string, client: string): Promise<void> {
    return this.failures.forget(failureKeys(account, client)['account-and-client']);
  }
}
