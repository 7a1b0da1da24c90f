/**
 * A process that answers `/work`, each time with some milliseconds of work, and `/healthz`, by an HttpListener. Its
 * argument is how it works: `at-once`, or `later` for half of the work after something that is waited for. Prints its
 * port.
 */
import { createHash } from 'node:crypto';
import { register } from 'node:module';

register('./typescript.hooks.mjs', import.meta.url);
const { HttpListener } = await import('../src/http/listener.ts');

const WORK_MS = 4;
const PAUSE_MS = 10;
const BLOCK = Buffer.alloc(16_384);
const ROUNDS_A_MS = 60;
const [, , how] = process.argv;

/**
 * Takes as much of the processor, however many others want it. @param {number} ms about so long on a machine that
 * nobody else uses
 */
function work(ms) {
  for (let i = 0; i < ms * ROUNDS_A_MS; i++) createHash('sha256').update(BLOCK).digest();
}

const listener = new HttpListener();
listener.own('/work', (_request, response) => {
  if (how === 'at-once') {
    work(WORK_MS);
    return void response.end('done');
  }
  work(WORK_MS / 2);
  setTimeout(() => {
    work(WORK_MS / 2);
    response.end('done');
  }, PAUSE_MS);
});
listener.ownForReading('/healthz', (_request, response) => void response.end('ok'));
console.log(await listener.listen(0, '127.0.0.1'));
