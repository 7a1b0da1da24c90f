import { type Incoming, pump, type PumpOptions } from './pump.js';

/** How one reading of the stream ends. */
export interface ReadingOptions extends Omit<PumpOptions, 'check'> {
  readonly signal: AbortSignal;
  /** Called when `signal` aborts, to end the messages. */
  readonly end: () => void;
  /** The losses of the connection when the reading began. */
  readonly losses: number;
  /** Whether something else must be read by now; asked every `lookEveryMs`. */
  readonly isChanged: () => Promise<boolean>;
  readonly lookEveryMs: number;
}

/** Stores messages until `signal` aborts, the connection is lost, something else must be read, or something fails. */
export async function storeUntilChanged(messages: Incoming, options: ReadingOptions): Promise<void> {
  const { log, losses, signal, end, isChanged, lookEveryMs } = options;
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', end, { once: true });
  // when the connection is back, the stream may have other messages at the next positions: check that first
  const forgetLoss = log.onLoss(stop);
  if (log.losses !== losses) stop();
  // it may have been aborted while the messages were asked for
  if (signal.aborted) end();
  const look = setInterval(() => void isChanged().then((is) => is && stop(), stop), lookEveryMs).unref();
  const check = (): void => {
    if (log.losses !== losses) throw new Error('the connection was lost');
  };
  try {
    await pump(messages, { ...options, check });
  } finally {
    clearInterval(look);
    forgetLoss();
    signal.removeEventListener('abort', end);
  }
}
