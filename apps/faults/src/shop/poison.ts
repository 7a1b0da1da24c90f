import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Tables } from '../check/tables.js';
import type { Shop } from './shop.js';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../../cli/src/main.js', import.meta.url));
const LOOK_EVERY_MS = 200;
/** The most deaths by one message before it must be a dead letter: "a few". */
const DEATHS_MAX = 8;

/** A message that became a dead letter. */
interface DeadLetter {
  readonly module: string;
  readonly consumer: string;
  readonly id: string;
}

/**
 * Ends each process that writes a row for an order into a table, until the message that causes the row is a dead
 * letter, or for `withinMs`; then removes the poison and resends the message, as an operator would. Resolves to what is
 * broken: a message that keeps killing.
 */
export async function poison(
  shop: Shop,
  databaseUrl: string,
  table: string,
  orderId: string,
  withinMs: number,
  deaths: () => number,
): Promise<string[]> {
  for (const service of shop.all()) service.poisoned({ table, orderId });
  const until = performance.now() + withinMs;
  let letters: readonly DeadLetter[] = [];
  while (letters.length === 0 && deaths() < DEATHS_MAX && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    letters = await deadLettersOf(databaseUrl, orderId);
  }
  for (const service of shop.all()) service.order({ disarm: true });
  for (const { module, consumer, id } of letters)
    await fledge(databaseUrl, 'dead-letters', 'resend', module, consumer, id);
  if (letters.length > 0) return [];
  return deaths() === 0
    ? [`nobody wrote into ${table} for order ${orderId}: its message did not come`]
    : [`the message that writes into ${table} for order ${orderId} ended ${deaths()} processes, and was not put aside`];
}

async function deadLettersOf(databaseUrl: string, orderId: string): Promise<DeadLetter[]> {
  const tables = await Tables.open(databaseUrl);
  try {
    const found: DeadLetter[] = [];
    for (const module of await tables.schemas()) {
      found.push(
        ...(await tables.rows<DeadLetter>(
          `select '${module}' as module, consumer, message_id as id from "${module}".fledge_dead_letter where state = 'dead' and strpos(payload::text, $1) > 0`,
          [orderId],
        )),
      );
    }
    return found;
  } finally {
    await tables.close();
  }
}

async function fledge(databaseUrl: string, ...args: readonly string[]): Promise<void> {
  await run(process.execPath, ['--no-warnings', CLI, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: databaseUrl },
  });
}
