import type { Sent, StoredMessage } from '@fledge/kit/transport';
import type { LogStream } from './log-stream.js';
import { natsHeadersOf } from './stored-messages.js';

/** Unacknowledged messages at a time; never more than one per key. */
const IN_FLIGHT_MAX = 256;
const ACK_TIMEOUT_MS = 5_000;

/**
 * Writes a batch to the log. Each message is acknowledged by the broker's storage before the next one of its key is
 * sent.
 */
export async function writeToLog(log: LogStream, messages: readonly StoredMessage[]): Promise<Sent> {
  const chains = byKey(messages);
  const accepted = new Set<string>();
  const sequences = new Map<string, number>();
  let failure: unknown;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let chain = chains[next++]; chain !== undefined && failure === undefined; chain = chains[next++]) {
      for (const message of chain) {
        try {
          const { seq } = await log.client.publish(log.subjectOf(message), message.payload, {
            msgID: message.id,
            headers: natsHeadersOf(message),
            timeout: ACK_TIMEOUT_MS,
            expect: { streamName: log.stream },
          });
          sequences.set(message.id, seq);
        } catch (error) {
          failure ??= error;
          break;
        }
        accepted.add(message.id);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT_MAX, chains.length) }, work));
  // the stream may be gone: check it before anything more is sent
  if (failure !== undefined) log.forget();
  return { accepted, failure, sequences };
}

function byKey(messages: readonly StoredMessage[]): StoredMessage[][] {
  const chains = new Map<string, StoredMessage[]>();
  for (const message of messages) {
    const chain = chains.get(message.key);
    if (chain) chain.push(message);
    else chains.set(message.key, [message]);
  }
  return [...chains.values()];
}
