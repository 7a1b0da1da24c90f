import { parseArgs } from 'node:util';
import { deliverTo } from './deliver.js';
import { FileBook } from './file-book.js';
import { Sandbox } from './sandbox.js';

const USAGE = `Usage: main.js --file <book.jsonl> [--port <port>] [--host <address>] [--webhook-url <url>] [--webhook-secret <secret>] [--slow-ms <ms>] [--late-ms <ms>]
  The secret can also be given as PAYMENTS_WEBHOOK_SECRET.
`;

/** The sandbox provider as a separate process, with its book in a file. Prints its address; ends on SIGTERM. */
async function run(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      file: text,
      port: text,
      host: text,
      'webhook-url': text,
      'webhook-secret': text,
      'slow-ms': text,
      'late-ms': text,
    },
  });
  if (values.file === undefined) throw new TypeError('--file is missing');
  const url = values['webhook-url'];
  const secret = values['webhook-secret'] ?? process.env.PAYMENTS_WEBHOOK_SECRET;
  if (url !== undefined && secret === undefined) throw new TypeError('--webhook-url needs a secret');
  const book = new FileBook(values.file);
  const sandbox = await Sandbox.start({
    book,
    deliver: url === undefined || secret === undefined ? () => Promise.resolve(false) : deliverTo(url, secret),
    port: numberOf(values.port, 0),
    host: values.host,
    slowMs: numberOf(values['slow-ms'], 3_000),
    lateMs: numberOf(values['late-ms'], 2_000),
    onFailure: (error) =>
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
  });
  const stop = (): void => void sandbox.close().then(() => book.close());
  process.once('SIGTERM', stop).once('SIGINT', stop);
  process.stdout.write(`the sandbox provider listens on ${sandbox.url}\n`);
}

function numberOf(text: string | undefined, standard: number): number {
  if (text === undefined) return standard;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TypeError(`'${text}' is no whole number`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 78;
});
