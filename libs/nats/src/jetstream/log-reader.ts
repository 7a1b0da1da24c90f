import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, DeliverPolicy } from '@nats-io/jetstream';
import { Logger } from '@nestjs/common';
import type { InboxPort } from '@fledge/kit/transport';
import type { LogStream } from './log-stream.js';
import { readProvisioned } from './provisioned-reader.js';
import { storeUntilChanged } from './reading.js';

const logger = new Logger('nats');

/** Messages requested from the broker at a time: that many may arrive at once, each as large as the broker allows. */
const ASKED_MAX = 256;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 2_000;
/** How often to check whether the module takes other messages by now, or the stream has been replaced. */
const LOOK_EVERY_MS = 1_000;

/** Reads the log for one module, in order, from the position in its database; ends when `signal` aborts. */
export async function readLog(log: LogStream, inbox: InboxPort, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      const read = log.isProvisioned ? readProvisioned : readOnce;
      await read(log, inbox, signal, () => (failures = 0));
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
  const commands = `${inbox.module}.*.*`;
  return [
    ...eventSubjects(log, inbox.subscriptions()),
    log.subject('command', commands, '*'),
    // older versions do not say who sends a command
    log.subject('command', commands),
  ];
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
  try {
    await storeUntilChanged(messages, {
      inbox,
      log,
      incarnation,
      losses,
      signal,
      end: () => messages.stop(),
      isChanged: () => isChanged(log, inbox, incarnation, filters),
      lookEveryMs: LOOK_EVERY_MS,
      stored,
    });
  } finally {
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

async function isChanged(
  log: LogStream,
  inbox: InboxPort,
  incarnation: string,
  filters: readonly string[],
): Promise<boolean> {
  return (await log.incarnation()) !== incarnation || filtersOf(log, inbox).join() !== filters.join();
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // the abort ends the pause, and the reader checks the signal
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
