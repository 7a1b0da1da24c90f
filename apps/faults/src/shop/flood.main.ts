/**
 * The main of a process that overloads the shop. Arguments: the path, the duration in milliseconds, the milliseconds in
 * which an answer is in time, and the URLs of replicas. Reports the results of its requests over the channel to its
 * parent.
 */
import { Agent, get } from 'node:http';
import type { Flooded } from './flood.js';

const CONNECTIONS = 16;
const PEAK_MS = 1_500;
const TOO_MUCH = 3;
const TICK_MS = 10;
const OPEN_MAX = 20_000;

const [path = '/', forMs = '0', inTimeMs = '0', ...urls] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 512 });
let turn = 0;

/** The status of one answer, and whether it has `Retry-After`; `undefined` if none came in time. */
function ask(): Promise<{ status: number; later: boolean } | undefined> {
  turn += 1;
  return new Promise((resolve) => {
    const request = get(`${urls[turn % urls.length] ?? ''}${path}`, { agent }, (response) => {
      response.resume();
      response.once('end', () => {
        clearTimeout(limit);
        resolve({ status: response.statusCode ?? 0, later: response.headers['retry-after'] !== undefined });
      });
      response.once('error', () => resolve(undefined));
    });
    const limit = setTimeout(() => {
      resolve(undefined);
      request.destroy();
    }, Number(inTimeMs));
    request.once('error', () => {
      clearTimeout(limit);
      resolve(undefined);
    });
  });
}

async function peak(): Promise<number> {
  let answered = 0;
  const until = performance.now() + PEAK_MS;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) if ((await ask())?.status === 200) answered += 1;
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return answered / (PEAK_MS / 1_000);
}

async function tooMuch(perSecond: number): Promise<Flooded> {
  const result = { peakPerSecond: perSecond / TOO_MUCH, sent: 0, inTime: 0, refused: 0 };
  const open = new Set<Promise<void>>();
  const start = performance.now();
  for (let at = 0; at < Number(forMs); at = performance.now() - start) {
    while (result.sent < (at / 1_000) * perSecond && open.size < OPEN_MAX) {
      result.sent += 1;
      const one: Promise<void> = ask().then((answer) => {
        if (answer?.status === 200) result.inTime += 1;
        else if (answer?.later === true) result.refused += 1;
        open.delete(one);
      });
      open.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(open);
  return result;
}

process.send?.(await tooMuch((await peak()) * TOO_MUCH), () => process.exit());
