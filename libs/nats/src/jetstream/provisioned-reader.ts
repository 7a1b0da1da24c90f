import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerInfo } from '@nats-io/jetstream';
import type { Msg, Subscription } from '@nats-io/transport-node';
import type { InboxPort } from '@fledge/kit/transport';
import type { LogStream } from './log-stream.js';
import { consumerName, deliverySubject } from './names.js';
import type { Incoming } from './pump.js';
import { storeUntilChanged } from './reading.js';
import type { LogMessage } from './stored-messages.js';

/** After this long without an acknowledgement the broker delivers a message again, in milliseconds. */
export const ACK_WAIT_MS = 5_000;
/** Delivered messages that are not acknowledged; then the broker waits. */
export const UNACKNOWLEDGED_MAX = 1_000;
/** The broker finds only some time after `ACK_WAIT_MS` what was not acknowledged. */
const REDELIVERY_MARGIN_MS = 1_000;
/** How often to check whether the stream and the consumer are still those that are read. */
const LOOK_EVERY_MS = 2_500;

/** A message with its place among the deliveries of the consumer, which no other subject has. */
interface Delivery extends LogMessage {
  readonly reply: string;
  readonly delivery: number;
  readonly isRepeated: boolean;
}

/**
 * Reads for one module from the consumer that an operator made for it, which remembers what was acknowledged; a module
 * acknowledges what it has stored. The broker delivers to one subject, so nothing can be asked of it that would arrive
 * elsewhere.
 *
 * Order: the deliveries of a consumer are numbered. A gap in the numbers, or a message that an earlier reader left
 * unacknowledged and that comes after newer ones, ends the reading before anything more is acknowledged; it then begins
 * again with the oldest unacknowledged message.
 */
export async function readProvisioned(
  log: LogStream,
  inbox: InboxPort,
  signal: AbortSignal,
  stored: () => void,
): Promise<void> {
  const { losses } = log;
  const incarnation = await log.incarnation();
  const info = await untilRepeatable(log, inbox.module, signal);
  if (signal.aborted) return;
  const messages = new Deliveries(log, inbox.module, info);
  try {
    await storeUntilChanged(messages, {
      inbox,
      log,
      incarnation,
      losses,
      signal,
      end: () => messages.drain(),
      isChanged: () => isChanged(log, inbox.module, incarnation, info.created),
      lookEveryMs: LOOK_EVERY_MS,
      stored: (last) => {
        log.connection.publish((last as Delivery).reply, '+ACK');
        stored();
      },
    });
  } finally {
    messages.stop();
  }
}

/**
 * The state of the consumer once the broker can deliver again what an earlier reader has not acknowledged: those
 * messages then come first.
 */
async function untilRepeatable(log: LogStream, module: string, signal: AbortSignal): Promise<ConsumerInfo> {
  const info = await log.consumerOf(module);
  if (info.num_ack_pending === 0) return info;
  // an abort ends the wait; the reader then ends by itself
  await sleep(ACK_WAIT_MS + REDELIVERY_MARGIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
  return log.consumerOf(module);
}

async function isChanged(log: LogStream, module: string, incarnation: string, created: string): Promise<boolean> {
  return (await log.incarnation()) !== incarnation || (await log.consumerOf(module)).created !== created;
}

/** The deliveries of a consumer, checked for their order. */
class Deliveries implements Incoming {
  private readonly subscription: Subscription;
  /** How the reply subject of its deliveries begins: those of the broker alone have it. */
  private readonly acknowledgement: string;
  private last: number;
  /** What an earlier reader left, which must come first. */
  private left: number;
  private first = Infinity;
  private highest = 0;

  constructor(
    log: LogStream,
    private readonly module: string,
    { delivered, num_ack_pending }: ConsumerInfo,
  ) {
    this.last = delivered.consumer_seq;
    this.left = num_ack_pending;
    this.acknowledgement = `$JS.ACK.${log.stream}.${consumerName(module)}.`;
    this.subscription = log.connection.subscribe(deliverySubject(log.namespace, module));
  }

  /** Ends at once. */
  stop(): void {
    this.subscription.unsubscribe();
  }

  /** Ends when what the broker has sent until now is read. */
  drain(): void {
    // a lost connection ends it as well
    this.subscription.drain().catch(() => this.stop());
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Delivery> {
    for await (const raw of this.subscription) {
      const delivery = deliveryOf(raw, this.acknowledgement);
      if (delivery !== undefined && this.isNew(delivery)) yield delivery;
    }
  }

  /** Whether it has not arrived here before. @throws if it is not the next one. */
  private isNew({ delivery, seq, isRepeated }: Delivery): boolean {
    if (delivery !== this.last + 1)
      throw new Error(`delivery ${delivery} to ${this.module} follows ${this.last}: others are lost or read elsewhere`);
    this.last = delivery;
    if (this.left > 0) {
      this.left -= 1;
      if (!isRepeated) throw new Error(`the broker does not begin with what ${this.module} has not acknowledged`);
    }
    if (seq > this.highest) {
      this.first = Math.min(this.first, seq);
      this.highest = seq;
      return true;
    }
    if (seq >= this.first) return false;
    throw new Error(`message ${seq} for ${this.module} comes after ${this.highest}`);
  }
}

/** `$JS.ACK.<stream>.<consumer>.<times delivered>.<sequence>.<number of the delivery>.<time>.<pending>` */
function deliveryOf(raw: Msg, acknowledgement: string): Delivery | undefined {
  const { reply = '', headers } = raw;
  if (!reply.startsWith(acknowledgement)) return undefined;
  const [times, seq, delivery] = reply.slice(acknowledgement.length).split('.').map(Number);
  // the subject under which it is stored differs from that of the delivery
  const { subject } = raw;
  return {
    subject,
    headers,
    data: raw.data,
    string: () => raw.string(),
    seq: seq as number,
    delivery: delivery as number,
    isRepeated: (times as number) > 1,
    reply,
  };
}
