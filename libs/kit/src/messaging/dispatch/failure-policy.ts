import type { DurableConsumer } from '../consumers/consumer.js';
import type { Deliveries, Delivery, FailedDelivery } from '../inbox/deliveries.js';
import { UnknownVersion } from '../consumers/delivery-errors.js';
import { AccessDenied, InvalidMessage } from '../../contract/index.js';
import { failedAttempt, isFinal, isPassing, waitMs } from './retry.js';

/**
 * This many consecutive failures unrelated to the message (a deadlock, a lost connection) count as one failed attempt:
 * a message that causes them itself becomes a dead letter, but an outage of the database for an hour creates none.
 */
export const PASSING_MAX = 20;

/** Decides what happens to failed messages; remembers about each what its row does not store. */
export class FailurePolicy {
  private readonly passing = new Map<string, { readonly delivery: Delivery; times: number }>();
  private readonly suspects = new Map<string, Delivery>();

  constructor(
    private readonly replicaNow: () => string,
    private readonly deliveries: Pick<Deliveries, 'isKnownElsewhere'>,
  ) {}

  /** Whether a transaction with this message among others could not be committed, so that it needs its own. */
  isSuspect({ consumer, message }: Delivery): boolean {
    return this.suspects.size > 0 && this.suspects.has(`${consumer} ${message.id}`);
  }

  suspect(delivery: Delivery): void {
    this.suspects.set(`${delivery.consumer} ${delivery.message.id}`, delivery);
  }

  /** Forgets a message that is settled, or that another replica has now. */
  clear({ consumer, message }: Delivery): void {
    if (this.suspects.size > 0) this.suspects.delete(`${consumer} ${message.id}`);
    if (this.passing.size > 0) this.passing.delete(`${consumer} ${message.id}`);
  }

  /** Forgets the messages of a consumer's partitions that another replica has now. */
  keep(consumer: string, isHeld: (partition: number) => boolean): void {
    for (const [id, delivery] of this.suspects)
      if (delivery.consumer === consumer && !isHeld(delivery.partition)) this.suspects.delete(id);
    for (const [id, { delivery }] of this.passing)
      if (delivery.consumer === consumer && !isHeld(delivery.partition)) this.passing.delete(id);
  }

  /** Counts a failure. Returns whether it is to be recorded as an attempt at this message. */
  counts(delivery: Delivery, error: unknown): boolean {
    if (!isPassing(error)) return true;
    const id = `${delivery.consumer} ${delivery.message.id}`;
    const times = (this.passing.get(id)?.times ?? 0) + 1;
    this.passing.set(id, { delivery, times });
    return times % PASSING_MAX === 0;
  }

  /**
   * Decides what happens after a failure. A message that only newer code can handle waits until a replica with that
   * code has its partition.
   */
  async failed(consumer: DurableConsumer, delivery: Delivery, error: unknown): Promise<FailedDelivery> {
    if (error instanceof UnknownVersion && (await this.deliveries.isKnownElsewhere(delivery)))
      return this.postponed(consumer, delivery);
    return this.counts(delivery, error) ? this.counted(consumer, delivery, error) : this.postponed(consumer, delivery);
  }

  /** Records the failure as an attempt: the message is retried after a while, or becomes a dead letter. */
  counted({ rules }: DurableConsumer, delivery: Delivery, error: unknown): FailedDelivery {
    const attempts = delivery.attempts + 1;
    const final = isFinal(error, rules);
    const isDead = final || attempts >= rules.attemptsMax;
    return {
      delivery,
      attempts,
      tried: failedAttempt(error, attempts, this.replicaNow()),
      waitMs: isDead ? undefined : waitMs(rules, attempts),
      reason: final ? reasonOf(error) : `failed ${attempts} times`,
      // what nobody may send must not hold up what others send under its key
      onDead: error instanceof AccessDenied ? 'skip' : rules.onDead,
    };
  }

  private postponed({ rules }: DurableConsumer, delivery: Delivery): FailedDelivery {
    const times = this.passing.get(`${delivery.consumer} ${delivery.message.id}`)?.times ?? 1;
    return {
      delivery,
      attempts: delivery.attempts,
      tried: undefined,
      waitMs: waitMs(rules, times),
      reason: '',
      onDead: rules.onDead,
    };
  }

  /** The failure of a message that crashed its process again and again. */
  deadly({ rules }: DurableConsumer, delivery: Delivery, deaths: number): FailedDelivery {
    return {
      delivery,
      attempts: delivery.attempts,
      tried: undefined,
      waitMs: undefined,
      reason: `the process ended ${deaths} times while it was handled`,
      onDead: rules.onDead,
    };
  }

  /** The consumer with `onDead` as its handler, to be called about a dead letter. */
  deadLetterHandler(consumer: DurableConsumer, { reason, tried }: FailedDelivery): DurableConsumer {
    return {
      ...consumer,
      handle: async (message) => consumer.onDead?.(message, { reason, history: tried ? [tried] : [] }),
    };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof UnknownVersion) return 'unknown version';
  if (error instanceof InvalidMessage) return 'invalid message';
  if (error instanceof AccessDenied) return 'access denied';
  return 'not retryable';
}

/** What the log says of a new dead letter. */
export function deadLetterText(module: string, { delivery, reason, tried }: FailedDelivery): string {
  const { consumer, message } = delivery;
  const last = tried ? ` (${tried.message})` : '';
  return `${module}: ${message.name} ${message.id} is a dead letter of ${consumer}: ${reason}${last}; see 'fledge dead-letters'`;
}
