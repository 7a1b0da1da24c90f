import { Logger } from '@nestjs/common';
import { StartupError } from '@fledge/kit/contract';
import { bodyOf, headersOf, replyOf, subjectTail, type WireMessage } from './wire-message.js';

/** Receives the messages of one subscription. */
export type Take = (delivery: WireMessage) => void;

/** A subscription. */
export interface Subscription {
  /** Ends the subscription at the server; resolves when everything delivered until then has been handled. */
  drain(): Promise<void>;
}

/** A connection to NATS, as calls use it. */
export interface Wire {
  /** Whether the server can be reached now. */
  readonly isConnected: boolean;
  /** Whether it will never be reached again. */
  readonly isClosed: boolean;
  /**
   * The largest size of headers and body together that the server accepts, in bytes; without a connection, that of the
   * last server.
   */
  readonly payloadMaxBytes: number;
  /**
   * Sends a message, or drops it if no server is connected. Returns `false`, sending nothing, if it is larger than the
   * server accepts. `subject`, `reply` and `headers` (empty for none) must be ASCII and are trusted: the caller must
   * keep line breaks out.
   */
  publish(subject: string, reply: string, headers: string, body: string): boolean;
  /** Subscribes; `denied` is called if the server refuses it. Errors of `take` are logged. */
  subscribe(subject: string, queue: string | undefined, take: Take, denied?: (error: Error) => void): Subscription;
  /** Resolves when the server has accepted everything that was sent, and has reported everything that it refused. */
  flush(): Promise<void>;
  /** Closes the connection; nothing is sent any more. */
  close(): Promise<void>;
}

const logger = new Logger('nats');

/** Passes a message to its subscription. Logs what `take` throws, which would stop the client from reading for good. */
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
 * Sends a test message to itself, through every shortcut of a wire. @throws StartupError if it does not come back
 * unchanged.
 * @param inbox a subject on which only this process receives.
 */
export async function checkWire(wire: Wire, inbox: string, timeoutMs: number): Promise<void> {
  const subject = `${inbox}.7`;
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
      `Allow the user to publish and subscribe to '${inbox.slice(0, inbox.lastIndexOf('.'))}.>'; 'fledge nats config' generates the permissions of every service.`,
    );
  if (seen.join('|') !== ['7', 'a.reply', headers, body].join('|')) {
    throw new StartupError(
      'nats-client',
      'a message to itself did not come back as it was sent: this release of @nats-io/nats-core is not one that @fledge/nats was made for',
      'Install the version that @fledge/nats requires.',
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
            'Check that the server is healthy and that the network is fast.',
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
