import { Logger } from '@nestjs/common';
import { nuid } from '@nats-io/transport-node';
import { StartupError } from '@fledge/kit/contract';
import { bodyOf, headersOf, replyOf, subjectTail, type WireMessage } from './wire-message.js';

/** Takes the messages of one subscription. */
export type Take = (delivery: WireMessage) => void;

/** A subscription. */
export interface Subscription {
  /** Ends it at the server; resolves when what had been delivered until then has been handled. */
  drain(): Promise<void>;
}

/** A connection to NATS, as calls use it. */
export interface Wire {
  /** Whether the server is reached now. */
  readonly isConnected: boolean;
  /** Whether it will never be reached again. */
  readonly isClosed: boolean;
  /**
   * The largest headers and body together that the server takes, in bytes; while none is reached, that the last one
   * took.
   */
  readonly payloadMaxBytes: number;
  /**
   * Sends a message, or drops it when no server is reached; `false`, and nothing is sent, when it is larger than the
   * server takes. `subject`, `reply` and `headers` (empty for none) must be ASCII, and are trusted: whoever makes them
   * keeps line breaks out.
   */
  publish(subject: string, reply: string, headers: string, body: string): boolean;
  /** Subscribes; `denied` is told when the server refuses it. What `take` throws is logged. */
  subscribe(subject: string, queue: string | undefined, take: Take, denied?: (error: Error) => void): Subscription;
  /** Resolves when the server has taken all that was sent and told of all that it refused. */
  flush(): Promise<void>;
  /** Lets go of the connection; nothing is sent any more. */
  close(): Promise<void>;
}

const logger = new Logger('nats');

/** Gives a message to its subscription. A callback that throws would end the client's reading for good. */
export function give(delivery: WireMessage, take: Take): void {
  try {
    take(delivery);
  } catch (error) {
    logger.error(
      `a message could not be handled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}

/**
 * Sends one message round, by way of every shortcut that a wire takes. @throws StartupError when it does not come back
 * as it was sent.
 */
export async function checkWire(wire: Wire, timeoutMs: number): Promise<void> {
  const subject = `_INBOX.${nuid.next()}.7`;
  const [headers, body] = ['NATS/1.0\r\nFledge-Check: 1\r\n\r\n', '"ü€😀"'];
  let seen: string[] = [];
  let refused: Error | undefined;
  const take: Take = (m) => (seen = [subjectTail(m, subject.length - 1), replyOf(m), headersOf(m), bodyOf(m)]);
  const subscription = wire.subscribe(subject, undefined, take, (error) => (refused = error));
  wire.publish(subject, 'a.reply', headers, body);
  await within(wire.flush(), timeoutMs);
  await within(subscription.drain(), timeoutMs);
  if (refused)
    throw new StartupError(
      'nats-permissions',
      `NATS refuses the subscription to replies: ${refused.message}`,
      'Allow the user to publish and subscribe to `_INBOX.>`.',
    );
  if (seen.join('|') !== ['7', 'a.reply', headers, body].join('|')) {
    throw new StartupError(
      'nats-client',
      'a message to itself did not come back as it was sent: this release of @nats-io/nats-core is not one that @fledge/nats was made for',
      'Install the version that @fledge/nats asks for.',
    );
  }
}

async function within(step: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new StartupError(
            'nats-silent',
            `NATS does not answer within ${timeoutMs} ms`,
            'See that the server is well and near.',
          ),
        ),
      timeoutMs,
    );
  });
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}
