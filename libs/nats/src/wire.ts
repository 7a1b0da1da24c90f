import { type MsgImpl, type NatsConnection, type NatsConnectionImpl, nuid } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import { bodyOf, headersOf, replyOf, subjectTail } from './wire-message.js';
import { MessageReader, type Take } from './message-reader.js';

/** A subscription. */
export interface Subscription {
  /** Ends it at the server; resolves when what had been delivered until then has been handled. */
  drain(): Promise<void>;
}

/**
 * So many messages are sent without waiting for the end of the tick: the broker and the callee work on them while the rest of
 * a burst is still being made.
 */
const BATCH_MAX = 32;

/**
 * The hot path onto the NATS client. All that has to do with the connection (dialling, TLS, authentication, pings, reconnecting,
 * restoring subscriptions) is the client's. Two things go past its public face, because they cost as much as the rest of a call:
 *
 * - **out**: `publish()` checks each subject with a regular expression and makes four buffers a message. Here the messages of one
 *   tick are one string, encoded at once and sent after whatever the client itself has to send.
 * - **in**: see `MessageReader`.
 *
 * The names used are typed but not promised by `@nats-io/nats-core`: `check` sends one message round when a host starts, so that
 * a release which changed them stops the start instead of losing calls.
 */
export class Wire {
  private readonly client: NatsConnectionImpl;
  private readonly reader: MessageReader;
  private frames = '';
  private frameCount = 0;
  /** Whether `frames` holds anything but ASCII. */
  private wide = false;
  private knownMaxBytes = 0;

  constructor(connection: NatsConnection) {
    this.client = connection as NatsConnectionImpl;
    this.reader = new MessageReader(this.client.protocol);
  }

  /** Whether the server is reached now. */
  get isConnected(): boolean {
    return this.client.protocol.connected && !this.client.protocol.isClosed();
  }

  /** Whether it will never be reached again. */
  get isClosed(): boolean {
    return this.client.protocol.isClosed();
  }

  /** The largest headers and body together that the server takes, in bytes; while none is reached, that the last one took. */
  get payloadMaxBytes(): number {
    return (this.knownMaxBytes = this.client.info?.max_payload ?? this.knownMaxBytes);
  }

  /**
   * Sends a message, or drops it when no server is reached; `false`, and nothing is sent, when it is larger than the server takes.
   * `subject`, `reply` and `headers` (empty for none) must be ASCII, and are trusted: whoever makes them keeps line breaks out.
   */
  publish(subject: string, reply: string, headers: string, body: string): boolean {
    const bytes = Buffer.byteLength(body);
    const total = headers.length + bytes;
    if (total > this.payloadMaxBytes) return false;
    if (bytes !== body.length) this.wide = true;
    if (this.frames === '') process.nextTick(flushFrames, this);
    const to = reply === '' ? subject : `${subject} ${reply}`;
    this.frames += headers === '' ? `PUB ${to} ${total}\r\n${body}\r\n` : `HPUB ${to} ${headers.length} ${total}\r\n${headers}${body}\r\n`;
    if (++this.frameCount >= BATCH_MAX) this.flushFrames();
    return true;
  }

  /** Subscribes; `denied` is told when the server refuses it. What `take` throws is logged. */
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

  /** Resolves when the server has taken all that was sent and told of all that it refused. */
  async flush(): Promise<void> {
    this.flushFrames();
    await this.client.flush();
  }

  /** Lets go of the connection; nothing is sent any more. */
  close(): Promise<void> {
    return this.client.close();
  }

  /** Sends one message round by way of every shortcut that this class takes. */
  async check(timeoutMs: number): Promise<void> {
    const subject = `_INBOX.${nuid.next()}.7`;
    const [headers, body] = ['NATS/1.0\r\nFledge-Check: 1\r\n\r\n', '"ü€😀"'];
    let seen: string[] = [];
    let refused: Error | undefined;
    const subscription = this.subscribe(subject, undefined, (m) => (seen = [subjectTail(m, subject.length - 1), replyOf(m), headersOf(m), bodyOf(m)]), (error) => (refused = error));
    this.publish(subject, 'a.reply', headers, body);
    await within(this.flush(), timeoutMs);
    await within(subscription.drain(), timeoutMs);
    if (refused) throw new StartupError('nats-permissions', `NATS refuses the subscription to replies: ${refused.message}`, 'Allow the user to publish and subscribe to `_INBOX.>`.');
    if (seen.join('|') !== ['7', 'a.reply', headers, body].join('|')) {
      throw new StartupError('nats-client', 'a message to itself did not come back as it was sent: this release of @nats-io/nats-core is not the one that this kit was made for', 'Install the version in the lock file (`npm ci`).');
    }
  }

  /** Sends what has come together. */
  flushFrames(): void {
    if (this.frames === '') return;
    const { frames, wide } = this;
    this.frames = '';
    this.frameCount = 0;
    this.wide = false;
    // What cannot be sent now must not run later: a call that was in it ends by its deadline, or is sent again.
    if (!this.isConnected) return;
    const { outbound, transport } = this.client.protocol;
    outbound.fill(Buffer.from(frames, wide ? 'utf8' : 'latin1'));
    transport.send(outbound.drain());
  }
}

function flushFrames(wire: Wire): void {
  wire.flushFrames();
}

async function within(step: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StartupError('nats-silent', `NATS does not answer within ${timeoutMs} ms`, 'See that the server is well and near.')), timeoutMs);
  });
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}
