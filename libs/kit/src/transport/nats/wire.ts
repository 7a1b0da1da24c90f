import { type MsgImpl, type NatsConnection, type NatsConnectionImpl, nuid } from '@nats-io/transport-node';
import { StartupError } from '../../contract/index.js';

/** A message as it came off the wire; read it with `headersOf`, `bodyOf`, `replyOf` and `subjectTail`, before the next tick. */
export type Delivery = MsgImpl;

/** A subscription. */
export interface Tap {
  /** Ends it at the server; resolves when what had been delivered until then has been handled. */
  drain(): Promise<void>;
}

/** Outgoing text is handed to the client at this many characters, or at the end of the tick. */
const BATCH_CHARS = 64 * 1024;

/**
 * The hot path onto the NATS client. All that has to do with the connection (dialling, TLS, authentication, pings, reconnecting,
 * restoring subscriptions, parsing) is the client's; two things go past its public face, because they cost it a third of a call:
 *
 * - **out**: `publish()` checks each subject with a regular expression and makes four buffers a message. Here the messages of one
 *   tick are one string, encoded at once and given to the client's own `sendCommand`, in the order of its own commands.
 * - **in**: `Msg` decodes headers into a class of maps. Here the parser's raw parts (`_msg`, `_rdata`) are read.
 *
 * Those names are typed but not promised by `@nats-io/nats-core`: `check` sends one message round when a host starts, so that a
 * release which changed them stops the start instead of losing calls.
 */
export class Wire {
  private readonly client: NatsConnectionImpl;
  private frames = '';
  /** Whether `frames` holds anything but ASCII. */
  private wide = false;

  constructor(connection: NatsConnection) {
    this.client = connection as NatsConnectionImpl;
  }

  /** Whether the server is reached now. */
  get isConnected(): boolean {
    return this.client.protocol.connected && !this.client.protocol.isClosed();
  }

  /** Whether it will never be reached again. */
  get isClosed(): boolean {
    return this.client.protocol.isClosed();
  }

  /** The largest headers and body together that the server takes, in bytes. */
  get payloadMaxBytes(): number {
    return this.client.info?.max_payload ?? 0;
  }

  /**
   * Sends a message; `false`, and nothing is sent, when it is larger than the server takes.
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
    if (this.frames.length >= BATCH_CHARS) this.flushFrames();
    return true;
  }

  /** Subscribes; `denied` is told when the server refuses it. */
  subscribe(subject: string, queue: string | undefined, take: (delivery: Delivery) => void, denied?: (error: Error) => void): Tap {
    const subscription = this.client.subscribe(subject, {
      queue,
      callback: (error, message) => {
        if (error) denied?.(error);
        else take(message as Delivery);
      },
    });
    return {
      drain: async () => {
        if (!subscription.isClosed()) await subscription.drain();
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
    const tap = this.subscribe(subject, undefined, (m) => (seen = [subjectTail(m, subject.length - 1), replyOf(m), headersOf(m), bodyOf(m)]), (error) => (refused = error));
    this.publish(subject, 'a.reply', headers, body);
    await within(this.flush(), timeoutMs);
    await within(tap.drain(), timeoutMs);
    if (refused) throw new StartupError('nats-permissions', `NATS refuses the subscription to replies: ${refused.message}`, 'Allow the user to publish and subscribe to `_INBOX.>`.');
    if (seen.join('|') !== ['7', 'a.reply', headers, body].join('|')) {
      throw new StartupError('nats-client', 'a message to itself did not come back as it was sent: this release of @nats-io/nats-core is not the one that this kit was made for', 'Install the version in the lock file (`npm ci`).');
    }
  }

  /** Called for each tick that sent something. */
  flushFrames(): void {
    if (this.frames === '') return;
    const { frames, wide } = this;
    this.frames = '';
    this.wide = false;
    // What can not be sent now must not run later: a call that was in it ends by its deadline, or is sent again.
    if (this.isConnected) this.client.protocol.sendCommand(Buffer.from(frames, wide ? 'utf8' : 'latin1'));
  }
}

function flushFrames(wire: Wire): void {
  wire.flushFrames();
}

/** The headers as they stand on the wire, from `NATS/1.0` to the empty line; empty when there are none. */
export function headersOf({ _msg, _rdata }: Delivery): string {
  return _msg.hdr > 0 ? text(_rdata, 'latin1', 0, _msg.hdr) : '';
}

/** Whether there are headers. */
export function hasHeaders({ _msg }: Delivery): boolean {
  return _msg.hdr > 0;
}

/** The payload as text. */
export function bodyOf({ _msg, _rdata }: Delivery): string {
  return text(_rdata, 'utf8', _msg.hdr > 0 ? _msg.hdr : 0, _rdata.length);
}

/** Where to answer; empty when nobody waits for one. */
export function replyOf({ _msg }: Delivery): string {
  return _msg.reply ? text(_msg.reply, 'latin1', 0, _msg.reply.length) : '';
}

/** The subject from `offset` on. */
export function subjectTail({ _msg }: Delivery, offset: number): string {
  return text(_msg.subject, 'latin1', offset, _msg.subject.length);
}

/** The decimal number in which the subject ends, from `offset` on. */
export function subjectNumber({ _msg }: Delivery, offset: number): number {
  const { subject } = _msg;
  let number = 0;
  for (let i = offset; i < subject.length; i++) number = number * 10 + (subject[i] as number) - 48;
  return number;
}

// A frame that came in two chunks is a plain Uint8Array; the rest are Buffers.
function text(bytes: Uint8Array, encoding: 'latin1' | 'utf8', start: number, end: number): string {
  if (start === end) return '';
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString(encoding, start, end);
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
