import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { Logger } from '@nestjs/common';
import type { InboxPort, LogPosition, StoredMessage } from '@fledge/kit/transport';
import type { LogStream } from './log-stream.js';
import { idOf, messageOf } from './stored-messages.js';

const logger = new Logger('nats');

/** The most messages that one transaction stores, and the number of bytes beyond which it takes no further message. */
const BATCH_MAX = 500;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** Messages requested from the broker at a time: that many may arrive at once, each as large as the broker allows. */
const ASKED_MAX = 256;
/** The most messages, and bytes of them, in memory: reading pauses until they are stored. */
const AHEAD_MAX = 2_000;
const AHEAD_BYTES_MAX = 4 * BATCH_BYTES_MAX;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 2_000;
/** How often to check whether the module takes other messages by now, or the stream has been replaced. */
const LOOK_EVERY_MS = 1_000;

/** Reads the log for one module, in order, from the position in its database; ends when `signal` aborts. */
export async function readLog(log: LogStream, inbox: InboxPort, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await readOnce(log, inbox, signal, () => (failures = 0));
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (failures === 1)
        logger.warn(
          `${inbox.module} cannot read its messages for now: ${error instanceof Error ? error.message : String(error)}`,
        );
      log.forget();
      await pause(Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures) * Math.random(), signal);
    }
  }
}

/** The subjects of events with these names, in any version. */
export function eventSubjects(log: LogStream, names: readonly string[]): string[] {
  return names.map((name) => `${log.subject('event', name)}.*`);
}

function filtersOf(log: LogStream, inbox: InboxPort): string[] {
  return [...eventSubjects(log, inbox.subscriptions()), log.subject('command', `${inbox.module}.*.*`)];
}

/** Reads until the subscriptions or the stream change, or something fails. */
async function readOnce(log: LogStream, inbox: InboxPort, signal: AbortSignal, stored: () => void): Promise<void> {
  const { losses } = log;
  const incarnation = await log.incarnation();
  const from = await startOf(log, inbox, incarnation);
  const filters = filtersOf(log, inbox);
  const consumer: Consumer = await log.client.consumers.get(log.stream, {
    filter_subjects: filters,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  });
  const messages = await consumer.consume({ max_messages: ASKED_MAX, expires: 5_000, abort_on_missing_resource: true });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  // when the connection is back, the stream may have other messages at the next positions: check that first
  const forgetLoss = log.onLoss(stop);
  if (log.losses !== losses) stop();
  const look = setInterval(
    () => void changed(log, inbox, incarnation, filters).then((is) => is && stop(), stop),
    LOOK_EVERY_MS,
  ).unref();
  try {
    await pump(
      messages,
      inbox,
      incarnation,
      () => {
        if (log.losses !== losses) throw new Error('the connection was lost');
      },
      stored,
    );
  } finally {
    clearInterval(look);
    forgetLoss();
    signal.removeEventListener('abort', stop);
    await messages.close();
  }
}

/** The position to continue from; logs a warning about what is missing before it. */
async function startOf(log: LogStream, inbox: InboxPort, incarnation: string): Promise<number> {
  const position = await inbox.position();
  if (position?.incarnation !== incarnation) return 1;
  const { first, last } = await log.bounds();
  if (position.sequence > last) {
    logger.error(
      `${log.stream} ends at ${last}, and ${inbox.module} has read up to ${position.sequence}: the broker has lost its newest messages. Their senders send them again`,
    );
    return last + 1;
  }
  if (position.id !== undefined && position.sequence >= first && (await log.idAt(position.sequence)) !== position.id) {
    logger.error(
      `${log.stream} has another message at ${position.sequence} than ${inbox.module} has read there: the broker has lost its newest messages, and received others since. It is read from its beginning; messages that are known already are skipped`,
    );
    return 1;
  }
  if (first > position.sequence + 1) {
    logger.error(
      `${inbox.module} has read ${log.stream} up to ${position.sequence}, but it begins at ${first} now: the broker has deleted up to ${first - 1 - position.sequence} unread messages. Send them again: fledge replay --since <when this module was last running>`,
    );
  }
  return position.sequence + 1;
}

async function changed(
  log: LogStream,
  inbox: InboxPort,
  incarnation: string,
  filters: readonly string[],
): Promise<boolean> {
  return (await log.incarnation()) !== incarnation || filtersOf(log, inbox).join() !== filters.join();
}

/** Stores incoming messages in batches: while one is being stored, the next one collects. */
async function pump(
  messages: ConsumerMessages,
  inbox: InboxPort,
  incarnation: string,
  check: () => void,
  stored: () => void,
): Promise<void> {
  let gathered: JsMsg[] = [];
  let bytes = 0;
  let storing: Promise<void> | undefined;
  let failure: unknown;
  const store = async (): Promise<void> => {
    while (gathered.length > 0 && failure === undefined) {
      const batch = portionOf(gathered);
      gathered = gathered.slice(batch.length);
      bytes -= sizeOf(batch);
      check();
      await inbox.accept(known(batch), positionOf(batch.at(-1) as JsMsg, incarnation));
      stored();
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
function portionOf(gathered: readonly JsMsg[]): JsMsg[] {
  const portion: JsMsg[] = [];
  let bytes = 0;
  for (const message of gathered) {
    if (portion.length === BATCH_MAX || bytes >= BATCH_BYTES_MAX) break;
    portion.push(message);
    bytes += message.data.length;
  }
  return portion;
}

function positionOf(last: JsMsg, incarnation: string): LogPosition {
  const id = idOf(last);
  return { incarnation, sequence: last.seq, ...(id !== undefined && { id }) };
}

function sizeOf(messages: readonly JsMsg[]): number {
  return messages.reduce((sum, { data }) => sum + data.length, 0);
}

function known(batch: readonly JsMsg[]): StoredMessage[] {
  return batch.flatMap((raw) => {
    const message = messageOf(raw);
    if (message === undefined)
      logger.error(
        `the message ${raw.seq} on ${raw.subject} is not from Fledge, and is skipped: it needs a Nats-Msg-Id that is a UUID, Fledge-Source, Fledge-Key and Fledge-Occurred-At`,
      );
    return message ?? [];
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // the abort ends the pause, and the reader checks the signal
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
