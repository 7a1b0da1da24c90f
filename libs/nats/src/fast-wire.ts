import type { MsgImpl, NatsConnection, NatsConnectionImpl } from '@nats-io/transport-node';
import { MessageReader } from './message-reader.js';
import type { Subscription, Take, Wire } from './wire.js';

/**
 * Messages to collect before they are sent without waiting for the end of the tick: the broker and the callee then work
 * on them while the rest of a burst is created.
 */
const BATCH_MAX = 32;

/**
 * The hot path onto the NATS client. The client still handles everything about the connection (dialling, TLS,
 * authentication, pings, reconnecting, restoring subscriptions). Two things bypass its public API, because they cost as
 * much as the rest of a call:
 *
 * - **out**: `publish()` checks each subject with a regular expression and creates four buffers per message. Here the
 *   messages of one tick form one string, which is encoded at once and sent after anything the client itself has to
 *   send.
 * - **in**: see `MessageReader`.
 *
 * The internals used are typed but not guaranteed by `@nats-io/nats-core`. `checkWire` detects a change when a host
 * starts, and `PublicWire` is used then.
 */
export class FastWire implements Wire {
  private readonly client: NatsConnectionImpl;
  private readonly reader: MessageReader;
  private frames = '';
  private frameCount = 0;
  /** Whether `frames` contains non-ASCII characters. */
  private wide = false;
  private knownMaxBytes = 0;

  constructor(connection: NatsConnection) {
    this.client = connection as NatsConnectionImpl;
    this.reader = new MessageReader(this.client.protocol);
  }

  get isConnected(): boolean {
    return this.client.protocol.connected && !this.client.protocol.isClosed();
  }

  get isClosed(): boolean {
    return this.client.protocol.isClosed();
  }

  get payloadMaxBytes(): number {
    return (this.knownMaxBytes = this.client.info?.max_payload ?? this.knownMaxBytes);
  }

  publish(subject: string, reply: string, headers: string, body: string): boolean {
    const bytes = Buffer.byteLength(body);
    const total = headers.length + bytes;
    if (total > this.payloadMaxBytes) return false;
    if (bytes !== body.length) this.wide = true;
    if (this.frames === '') process.nextTick(flushFrames, this);
    const to = reply === '' ? subject : `${subject} ${reply}`;
    this.frames +=
      headers === ''
        ? `PUB ${to} ${total}\r\n${body}\r\n`
        : `HPUB ${to} ${headers.length} ${total}\r\n${headers}${body}\r\n`;
    if (++this.frameCount >= BATCH_MAX) this.flushFrames();
    return true;
  }

  subscribe(subject: string, queue: string | undefined, take: Take, denied?: (error: Error) => void): Subscription {
    const subscription = this.client.subscribe(subject, {
      queue,
      callback: (error, message) => {
        if (error) denied?.(error);
        else this.reader.hand(message as MsgImpl, take);
      },
    });
    this.reader.add(subscription.getID(), take);
    return {
      drain: async () => {
        if (!subscription.isClosed()) await subscription.drain();
        this.reader.remove(subscription.getID());
      },
    };
  }

  async flush(): Promise<void> {
    this.flushFrames();
    await this.client.flush();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** Sends the collected messages. */
  flushFrames(): void {
    if (this.frames === '') return;
    const { frames, wide } = this;
    this.frames = '';
    this.frameCount = 0;
    this.wide = false;
    // What cannot be sent now must not run later: its calls end by their deadline, or are sent again.
    if (!this.isConnected) return;
    const { outbound, transport } = this.client.protocol;
    outbound.fill(Buffer.from(frames, wide ? 'utf8' : 'latin1'));
    transport.send(outbound.drain());
  }
}

function flushFrames(wire: FastWire): void {
  wire.flushFrames();
}
