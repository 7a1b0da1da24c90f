import { SteadyClient } from '../data/index.js';
import {
  type MessageGivenUp,
  type MessageInFlight,
  messagesGivenUp,
  messagesInFlight,
  type Sql,
} from '../messaging/index.js';
import { eventually } from './eventually.js';

/**
 * Waits until no module has a durable message left to handle. Timers that are not due do not count.
 * @param modules those that have tables.
 * @throws an `Error` at once if a consumer has given up on a message, and after `withinMs` with what is left.
 */
export async function untilQuiescent(url: string, modules: readonly string[], withinMs: number): Promise<void> {
  const client = new SteadyClient({ connectionString: url });
  await client.connect();
  const sql: Pick<Sql, 'rows'> = {
    rows: async <Row extends object>(text: string) => (await client.query<Row>(text)).rows,
  };
  let givenUp: readonly MessageGivenUp[] = [];
  try {
    await eventually(
      async () => {
        // in this order: what is given up in between is in one of the two
        const left = await messagesInFlight(sql, modules);
        givenUp = await messagesGivenUp(sql, modules);
        if (left.length > 0 && givenUp.length === 0) throw new Error(left.map(lineOf).join('; '));
      },
      'the handling of all messages',
      withinMs,
    );
  } finally {
    await client.end();
  }
  if (givenUp.length > 0)
    throw new Error(
      `the messages cannot all be handled: ${givenUp.map(({ module, consumer, name, attempts, error }) => `${consumer} of ${module} gave up on ${name} after ${attempts} attempts: ${error}`).join('; ')}`,
    );
}

function lineOf({ module, consumer, name, state }: MessageInFlight): string {
  return `${consumer} of ${module} has still to handle ${name}${state === 'parked' ? ', which waits for an earlier one of its key' : ''}`;
}
