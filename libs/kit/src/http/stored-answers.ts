import { randomUUID } from 'node:crypto';
import type { ModuleDataSource } from '../data/index.js';

/** A request that carries an idempotency key. */
export interface KeyedRequest {
  /** Whose key it is: keys of different callers have nothing to do with each other. */
  readonly scope: string;
  readonly key: string;
  /** A digest of the request: method, target and body. */
  readonly digest: string;
}

/** An answer as it is stored. */
export interface StoredAnswer {
  readonly status: number;
  /** The `Location` header, if there is one. */
  readonly location: string | null;
  /** JSON; null for an empty body. */
  readonly body: string | null;
}

/**
 * What is known of a key: this request may run, and stores its answer under `claim`; it was answered; it runs; or it
 * was another request.
 */
export type Claim =
  | { readonly is: 'claimed'; readonly claim: string }
  | { readonly is: 'answered'; readonly answer: StoredAnswer }
  | { readonly is: 'running' }
  | { readonly is: 'other' };

// A claim that has run out belongs to a process that ended, and is taken over by the same request.
const CLAIM = `
insert into fledge_idempotency as i (scope, key, digest, claim, claimed_until, expires_at)
values ($1, $2, $3, $4::uuid, clock_timestamp() + $5 * interval '1 ms', clock_timestamp() + $6 * interval '1 ms')
on conflict (scope, key) do update
set digest = excluded.digest, claim = excluded.claim, claimed_until = excluded.claimed_until, expires_at = excluded.expires_at,
  status = null, location = null, body = null
where i.expires_at < clock_timestamp()
  or (i.status is null and i.claimed_until < clock_timestamp() and i.digest = excluded.digest)
returning 1`;
const LOOK = 'select digest, status, location, body from fledge_idempotency where scope = $1 and key = $2';
const ANSWER =
  'update fledge_idempotency set status = $4, location = $5, body = $6 where scope = $1 and key = $2 and claim = $3::uuid and status is null returning 1';
const RELEASE =
  'delete from fledge_idempotency where scope = $1 and key = $2 and claim = $3::uuid and status is null returning 1';

/** How often a key is looked for that another request releases at the same moment. */
const LOOKS_MAX = 5;

interface Row {
  readonly digest: string;
  readonly status: number | null;
  readonly location: string | null;
  readonly body: string | null;
}

/** The answers to requests with an idempotency key, in the schema of their module, which all its replicas share. */
export class StoredAnswers {
  constructor(private readonly source: ModuleDataSource) {}

  /**
   * Claims a key for a request.
   * @param claimMs how long the claim holds if its process ends without an answer.
   * @param keepMs how long the key is kept.
   */
  async claim({ scope, key, digest }: KeyedRequest, claimMs: number, keepMs: number): Promise<Claim> {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const claim = randomUUID();
      const claimed = await this.source.rowsPrepared(CLAIM, [scope, key, digest, claim, claimMs, keepMs]);
      if (claimed.length > 0) return { is: 'claimed', claim };
      const [row] = await this.source.rowsPrepared<Row>(LOOK, [scope, key]);
      if (row === undefined) continue;
      if (row.digest !== digest) return { is: 'other' };
      const { status, location, body } = row;
      return status === null ? { is: 'running' } : { is: 'answered', answer: { status, location, body } };
    }
    return { is: 'running' };
  }

  /** Stores the answer; in a transaction, if one is open. Returns whether the claim was still this one. */
  async answer({ scope, key }: KeyedRequest, claim: string, answer: StoredAnswer): Promise<boolean> {
    const { status, location, body } = answer;
    return (await this.source.rowsPrepared(ANSWER, [scope, key, claim, status, location, body])).length > 0;
  }

  /** Gives a key back: nothing was done, so the request may be sent again with it, also changed. */
  async release({ scope, key }: KeyedRequest, claim: string): Promise<void> {
    await this.source.rowsPrepared(RELEASE, [scope, key, claim]);
  }
}
