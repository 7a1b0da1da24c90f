import { DeliverPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import type { Deployment, InboxPort, MessageLog, Sent, StoredMessage, StoredPlace } from '@fledge/kit/transport';
import { eventSubjects, readLog } from './log-reader.js';
import { writeToLog } from './log-writer.js';
import { type LogLimits, LogStream } from './log-stream.js';
import { messageOf } from './stored-messages.js';

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
  ) {}

  /** The transport calls this when the connection is open. */
  open(connection: NatsConnection): void {
    this.log = new LogStream(connection, this.namespace, this.limits);
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

  subscribe(inbox: InboxPort): Promise<void> {
    inbox.whileReading(async (signal) => {
      const read = readLog(this.opened(), inbox, AbortSignal.any([signal, this.stopping.signal]));
      this.reading.add(read);
      await read.finally(() => this.reading.delete(read));
    });
    return Promise.resolve();
  }

  async *history(_inbox: InboxPort, names: readonly string[]): AsyncIterable<readonly StoredMessage[]> {
    const log = this.opened();
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
        const message = raw.seq <= last ? messageOf(raw) : undefined;
        if (message) batch.push(message);
      }
      if (left === before)
        throw new Error(
          `${log.stream} has ${left} more messages of the past but delivered none of them within ${HISTORY_WAIT_MS} ms`,
        );
      if (batch.length > 0) yield batch;
    }
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
