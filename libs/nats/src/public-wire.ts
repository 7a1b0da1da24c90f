import { headers as makeHeaders, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { HEADERS_START } from './headers.js';
import { give, type Subscription, type Take, type Wire } from './wire.js';
import type { WireMessage } from './wire-message.js';

const EMPTY = Buffer.alloc(0);

/** Uses the public API of the NATS client, for a release whose internals `FastWire` does not know. Calls are slower. */
export class PublicWire implements Wire {
  private knownMaxBytes = 0;

  /** `isReached` says whether a server can be reached now, which the client reports only through events. */
  constructor(
    private readonly client: NatsConnection,
    private readonly isReached: () => boolean,
  ) {}

  get isConnected(): boolean {
    return !this.client.isClosed() && this.isReached();
  }

  get isClosed(): boolean {
    return this.client.isClosed();
  }

  get payloadMaxBytes(): number {
    return (this.knownMaxBytes = this.client.info?.max_payload ?? this.knownMaxBytes);
  }

  publish(subject: string, reply: string, headers: string, body: string): boolean {
    if (headers.length + Buffer.byteLength(body) > this.payloadMaxBytes) return false;
    // a message that no server can accept now must not be sent later
    if (!this.isConnected) return true;
    this.client.publish(subject, body, {
      ...(reply !== '' && { reply }),
      ...(headers !== '' && { headers: parseHeaders(headers) }),
    });
    return true;
  }

  subscribe(subject: string, queue: string | undefined, take: Take, denied?: (error: Error) => void): Subscription {
    const subscription = this.client.subscribe(subject, {
      ...(queue !== undefined && { queue }),
      callback: (error, message) => {
        if (error) denied?.(error);
        else give(wireMessageOf(message), take);
      },
    });
    return {
      drain: async () => {
        if (!subscription.isClosed()) await subscription.drain();
      },
    };
  }

  flush(): Promise<void> {
    return this.client.flush();
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** Parses the headers of the wire: a first line, which may have a status, then one header per line. */
function parseHeaders(text: string): MsgHdrs {
  const [first = '', ...lines] = text.split('\r\n');
  const [, code = '0', description = ''] = /^NATS\/1\.0 (\d+) ?(.*)$/.exec(first) ?? [];
  const headers = makeHeaders(Number(code), description);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

function headersText(headers: MsgHdrs | undefined): string {
  if (headers === undefined) return '';
  const status =
    headers.code > 0 ? `${`NATS/1.0 ${headers.code} ${headers.description}`.trimEnd()}\r\n` : HEADERS_START;
  return `${status}${headers
    .keys()
    .map((key) =>
      headers
        .values(key)
        .map((value) => `${key}: ${value}\r\n`)
        .join(''),
    )
    .join('')}\r\n`;
}

function wireMessageOf({ subject, reply, headers, data }: Msg): WireMessage {
  const subjectBytes = Buffer.from(subject);
  const replyBytes = reply === undefined || reply === '' ? EMPTY : Buffer.from(reply);
  const headerBytes = Buffer.from(headersText(headers));
  const bytes =
    headerBytes.length === 0
      ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      : Buffer.concat([headerBytes, data]);
  return {
    subject: subjectBytes,
    subjectStart: 0,
    subjectEnd: subjectBytes.length,
    reply: replyBytes,
    replyStart: 0,
    replyEnd: replyBytes.length,
    data: bytes,
    dataStart: 0,
    bodyStart: headerBytes.length,
    dataEnd: bytes.length,
  };
}
