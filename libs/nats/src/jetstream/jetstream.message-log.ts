import { Logger } from '@nestjs/common';
import { DeliverPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import type { Deployment, InboxPort, MessageLog, Sent, StoredMessage, StoredPlace } from '@fledge/kit/transport';
import { eventSubjects, readLog } from './log-reader.js';
import { writeToLog } from './log-writer.js';
import type { LogLimits } from './log-limits.js';
import { LogStream } from './log-stream.js';
import { isFlaw, readMessage } from './stored-messages.js';

const logger = new Logger('nats');
const HISTORY_BATCH_MAX = 500;
const HISTORY_WAIT_MS = 5_000;

/**
 * Carries messages through a JetStream stream. Any NATS client can read it: `nats sub 'shop._event.>'`. Each module
 * reads it in order, without acknowledgements, from a position that is kept in its own database; see decision 0007.
 */
export class JetStreamMessageLog implements MessageLog {
  readonly name = 'nats';
  private log: LogStream | undefined;
  private readonly reading = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly namespace: string,
    private readonly limits: LogLimits = {},
    private readonly isProvisioned = false,
  ) {}

  /** The transport calls this when the connection is open. */
  open(connection: NatsConnection): void {
    this.log = new LogStream(connection, this.namespace, this.limits, this.isProvisioned);
  }

  /** The transport calls this when the connection is back; the broker may be a different one. */
  reconnected(): void {
    this.log?.forget();
  }

  /**
   * The transport calls this when the connection is lost; the broker may have lost its newest messages when it is back.
   */
  disconnected(): void {
    this.log?.disconnected();
  }

  connections(): number {
    return this.log?.losses ?? 0;
  }

  missing(stored: readonly StoredPlace[]): Promise<readonly string[]> {
    return this.opened().missing(stored);
  }

  /** The transport passes a function that tells whether the connection is open. */
  watch(isConnected: () => boolean): void {
    this.isReachable = isConnected;
  }

  isReachable: () => boolean = () => true;

  async send(_source: string, messages: readonly StoredMessage[]): Promise<Sent> {
    return writeToLog(this.opened(), messages);
  }

  incarnation(): Promise<string> {
    return this.opened().incarnation();
  }

  claim(deployment: Deployment): Promise<void> {
    return this.opened().claim(deployment);
  }

  differences(): readonly string[] {
    return this.log?.differences ?? [];
  }

  async subscribe(inbox: InboxPort): Promise<void> {
    if (this.isProvisioned) await this.opened().checkProvisioned(inbox.module);
    inbox.whileReading(async (signal) => {
      const read = readLog(this.opened(), inbox, AbortSignal.any([signal, this.stopping.signal]));
      this.reading.add(read);
      await read.finally(() => this.reading.delete(read));
    });
  }

  async *history(inbox: InboxPort, names: readonly string[]): AsyncIterable<readonly StoredMessage[]> {
    const log = this.opened();
    if (log.isProvisioned) return this.adviseAgain(log, inbox.module, names);
    await log.incarnation();
    const last = await log.last();
    const consumer = await log.client.consumers.get(log.stream, {
      filter_subjects: eventSubjects(log, names),
      deliver_policy: DeliverPolicy.All,
    });
    for (let left = (await consumer.info(false)).num_pending; left > 0;) {
      const batch: StoredMessage[] = [];
      const before = left;
      for await (const raw of await consumer.fetch({
        max_messages: Math.min(left, HISTORY_BATCH_MAX),
        expires: HISTORY_WAIT_MS,
      })) {
        left -= 1;
        const message = raw.seq <= last ? readMessage(raw) : undefined;
        if (message && !isFlaw(message) && inbox.flawOf?.(message) === undefined) batch.push(message);
      }
      if (left === before)
        throw new Error(
          `${log.stream} has ${left} more messages of the past but delivered none of them within ${HISTORY_WAIT_MS} ms`,
        );
      if (batch.length > 0) yield batch;
    }
  }

  /**
   * The consumer that an operator made begins with the oldest message. Once it has been read, only the operator can let
   * it begin again.
   */
  private async adviseAgain(log: LogStream, module: string, names: readonly string[]): Promise<void> {
    const { delivered } = await log.consumerOf(module);
    if (delivered.consumer_seq > 0)
      logger.warn(
        `${module} has a new consumer of ${names.join(', ')} that begins with the past, which ${module} has read already. Let it read the stream again: fledge nats provision <topology> --again ${module}`,
      );
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.reading);
  }

  private opened(): LogStream {
    if (this.log === undefined)
      throw new StartupError(
        'nats-not-started',
        'the NATS transport is used before it was started',
        'Await `start()` first.',
      );
    return this.log;
  }
}
