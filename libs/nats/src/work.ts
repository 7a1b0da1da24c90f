import { CallContext, type Timed } from '@fledge/kit/transport';
import type { Endpoint } from './endpoint.js';
import { type CallHeaders } from './headers.js';
import type { Numbered } from './in-flight.js';

/** How often a callee reports that it is still working, in milliseconds; more often if the call has little time. */
export const NOTICE_MS = 300;

/** Notified when the time of a call has run out. */
export interface WorkOwner {
  timeSpent(work: Work): void;
}

/** One call in progress at its callee: the context in which the handler runs, on the wheel until its deadline. */
export class Work extends CallContext implements Timed, Numbered {
  before: Timed | null = null;
  after: Timed | null = null;
  /** Whether the caller has its answer. */
  answered = false;
  private readonly provenChain: readonly string[] | undefined;
  readonly id: string;
  readonly asksPacket: boolean;
  /**
   * When the caller is next told that the work continues; `Infinity` for a caller that would take this for the answer.
   */
  noticeAt: number;
  readonly noticeEveryMs: number;

  constructor(
    private readonly owner: WorkOwner,
    readonly number: number,
    readonly endpoint: Endpoint,
    readonly reply: string,
    readonly startedAt: number,
    leftMs: number,
    headers: CallHeaders,
  ) {
    super(
      endpoint.message.module,
      headers.caller,
      startedAt + leftMs,
      headers.identity,
      headers.trace,
      headers.idempotencyKey,
      undefined,
      headers.onBehalfOf,
    );
    this.provenChain = headers.chain;
    this.id = headers.id;
    this.asksPacket = headers.asksPacket;
    // Half of the silence after which the caller sends again (requests.ts), less a beat, so that a working replica is
    // always heard in time.
    this.noticeEveryMs = Math.min(NOTICE_MS, leftMs / 4);
    const isSentAgain = headers.id !== '' && (endpoint.message.idempotent || headers.idempotencyKey !== undefined);
    this.noticeAt = isSentAgain ? startedAt + this.noticeEveryMs : Infinity;
  }

  override get chain(): readonly string[] {
    return this.provenChain ?? [this.caller];
  }

  expire(): void {
    this.cancel();
    this.owner.timeSpent(this);
  }
}
