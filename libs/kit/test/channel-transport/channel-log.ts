import { EventEmitter, once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { InboxPort, MessageLog, Sent, StoredMessage } from '@fledge/kit/transport';
import { Logger } from '@nestjs/common';

const logger = new Logger('channel');

/** Messages that are read and stored at one time. */
const PORTION = 100;
/** Before it is tried again to store what could not be stored, in milliseconds. */
const RETRY_MS = 100;

/**
 * All messages of one application, in order; in memory, so it is empty after a start of its process, and has another
 * incarnation.
 */
export class ChannelStream extends EventEmitter {
  readonly incarnation = randomUUID();
  readonly messages: StoredMessage[] = [];
  private readonly ids = new Set<string>();

  /** Adds what it does not have. */
  append(messages: readonly StoredMessage[]): void {
    for (const message of messages) {
      if (this.ids.has(message.id)) continue;
      this.ids.add(message.id);
      this.messages.push(structuredClone(message));
    }
    this.emit('appended');
  }
}

/**
 * Carries durable messages through a stream that all hosts share: each module reads it from where its database says it
 * stands.
 */
export class ChannelLog implements MessageLog {
  readonly name = 'channel';
  private readonly reading = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(private readonly stream: ChannelStream) {}

  send(_source: string, messages: readonly StoredMessage[]): Promise<Sent> {
    this.stream.append(messages);
    return Promise.resolve({ accepted: new Set(messages.map(({ id }) => id)) });
  }

  incarnation(): Promise<string> {
    return Promise.resolve(this.stream.incarnation);
  }

  subscribe(inbox: InboxPort): Promise<void> {
    inbox.whileReading(async (signal) => {
      const read = this.read(inbox, AbortSignal.any([signal, this.stopping.signal]));
      this.reading.add(read);
      await read.finally(() => this.reading.delete(read));
    });
    return Promise.resolve();
  }

  async *history(_inbox: InboxPort, names: readonly string[]): AsyncIterable<readonly StoredMessage[]> {
    const past = this.stream.messages.filter(({ kind, name }) => kind === 'event' && names.includes(familyOf(name)));
    for (let from = 0; from < past.length; from += PORTION)
      yield await Promise.resolve(past.slice(from, from + PORTION));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.reading);
  }

  /** Stores what the module takes, with the place up to which it has read; begins anew when the store failed. */
  private async read(inbox: InboxPort, signal: AbortSignal): Promise<void> {
    const { messages, incarnation } = this.stream;
    while (!signal.aborted) {
      try {
        const position = await inbox.position();
        let at = position?.incarnation === incarnation ? position.sequence : 0;
        while (!signal.aborted) {
          const portion = messages.slice(at, at + PORTION);
          if (portion.length === 0) {
            await once(this.stream, 'appended', { signal });
            continue;
          }
          at += portion.length;
          await inbox.accept(
            portion.filter((message) => inbox.wants(message)),
            { incarnation, sequence: at },
          );
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn(`${inbox.module} cannot store its messages for now: ${String(error)}`);
        await pause(RETRY_MS, signal);
      }
    }
  }
}

function familyOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.v'));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
