import { Logger } from '@nestjs/common';
import type { InboxPort, LogPosition, StoredMessage } from '@fledge/kit/transport';
import type { LogStream } from './log-stream.js';
import { idOf, isFlaw, type LogMessage, readMessage } from './stored-messages.js';

/** The most messages that one transaction stores, and the number of bytes beyond which it takes no further message. */
const BATCH_MAX = 500;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** The most messages, and bytes of them, in memory: reading pauses until they are stored. */
const AHEAD_MAX = 2_000;
const AHEAD_BYTES_MAX = 4 * BATCH_BYTES_MAX;

const logger = new Logger('nats');

/** Messages as they arrive. `stop` ends them. */
export interface Incoming extends AsyncIterable<LogMessage> {
  stop(): void;
}

/** What becomes of incoming messages. */
export interface PumpOptions {
  readonly inbox: InboxPort;
  readonly log: LogStream;
  readonly incarnation: string;
  /** Called before each store; throws if what has arrived may no longer be stored. */
  readonly check: () => void;
  /** Called after each store, with the last message of its batch. */
  readonly stored: (last: LogMessage) => void;
}

/** Stores incoming messages in batches: while one is being stored, the next one collects. */
export async function pump(messages: Incoming, options: PumpOptions): Promise<void> {
  const { inbox, log, incarnation, check, stored } = options;
  let gathered: LogMessage[] = [];
  let bytes = 0;
  let storing: Promise<void> | undefined;
  let failure: unknown;
  const store = async (): Promise<void> => {
    while (gathered.length > 0 && failure === undefined) {
      const batch = portionOf(gathered);
      gathered = gathered.slice(batch.length);
      bytes -= sizeOf(batch);
      check();
      const last = batch.at(-1) as LogMessage;
      await inbox.accept(soundOf(batch, inbox, log), positionOf(last, incarnation));
      stored(last);
    }
  };
  const begin = (): void => {
    storing ??= store()
      .catch((error: unknown) => {
        failure = error;
        messages.stop();
      })
      .finally(() => {
        storing = undefined;
        // for messages that arrived after `store` had looked for more
        if (gathered.length > 0 && failure === undefined) begin();
      });
  };
  for await (const message of messages) {
    gathered.push(message);
    bytes += message.data.length;
    begin();
    while ((gathered.length > AHEAD_MAX || bytes > AHEAD_BYTES_MAX) && storing !== undefined) await storing;
  }
  while (storing !== undefined) await storing;
  if (failure !== undefined)
    throw failure instanceof Error ? failure : new Error('the messages were not stored', { cause: failure });
}

/** The first of the collected messages, as many as one transaction stores. */
function portionOf(gathered: readonly LogMessage[]): LogMessage[] {
  const portion: LogMessage[] = [];
  let bytes = 0;
  for (const message of gathered) {
    if (portion.length === BATCH_MAX || bytes >= BATCH_BYTES_MAX) break;
    portion.push(message);
    bytes += message.data.length;
  }
  return portion;
}

function positionOf(last: LogMessage, incarnation: string): LogPosition {
  const id = idOf(last);
  return { incarnation, sequence: last.seq, ...(id !== undefined && { id }) };
}

function sizeOf(messages: readonly LogMessage[]): number {
  return messages.reduce((sum, { data }) => sum + data.length, 0);
}

/**
 * The messages that are what they claim. The others stay in the stream and hold up nothing: no key waits for them.
 */
function soundOf(
  batch: readonly LogMessage[],
  inbox: InboxPort,
  { stream, isProvisioned }: LogStream,
): StoredMessage[] {
  return batch.flatMap((raw) => {
    const read = readMessage(raw, isProvisioned);
    const why = isFlaw(read) ? read.why : inbox.flawOf?.(read);
    if (why === undefined) return read as StoredMessage;
    const place = `the message ${raw.seq} of the stream ${stream} on ${raw.subject}`;
    if (inbox.quarantined) inbox.quarantined(place, why);
    else logger.error(`${place} is not delivered to ${inbox.module}: ${why}`);
    return [];
  });
}
