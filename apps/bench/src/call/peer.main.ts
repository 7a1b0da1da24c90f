/**
 * A process of the call bench: `local <handler> <peer> <ms>`, `serve <peer> <url>`, or `call <peer> <url> <callers>
 * <ms>`. Reports its measurement, or that it is ready, to its parent process.
 */
import 'reflect-metadata';
import type { Caller, HandlerKind, Peer } from './peer.js';
import { INTEROP_CALLEES, INTEROP_PEERS, LOCAL_PEERS, NATS_PEERS } from './peers/index.js';

const REMOTE_PEERS = new Map([...NATS_PEERS, ...INTEROP_PEERS]);
const [role, ...words] = process.argv.slice(2);
process.on('disconnect', () => process.exit(1));

if (role === 'local') {
  const [handler, name, ms] = words as [HandlerKind, string, string];
  await report(await (await found(LOCAL_PEERS, name)(handler)).connect(''), 1, Number(ms));
} else if (role === 'serve') {
  const [name, url] = words as [string, string];
  if (name === INTEROP_CALLEES) await (await import('./peers/interop.js')).callees(url);
  else await (await found(NATS_PEERS, name)()).serve?.(url);
  process.send?.('ready');
} else {
  const [name, url, callers, ms] = words as [string, string, string, string];
  await report(await (await found(REMOTE_PEERS, name)()).connect(url), Number(callers), Number(ms));
}

function found<Load extends (...words: never[]) => Promise<Peer>>(
  peers: ReadonlyMap<string, Load>,
  name: string,
): Load {
  const peer = peers.get(name);
  if (!peer) throw new Error(`no peer has the name '${name}'`);
  return peer;
}

async function report(caller: Caller, callers: number, ms: number): Promise<void> {
  await drive(caller, callers, ms / 2);
  const measured = await drive(caller, callers, ms);
  await caller.close();
  process.send?.(measured, () => process.exit(0));
}

/** Keeps `callers` calls in progress for a time; returns calls per second. */
async function drive(caller: Caller, callers: number, ms: number): Promise<{ perSecond: number }> {
  const from = performance.now();
  const until = from + ms;
  const counts = await Promise.all(Array.from({ length: callers }, () => oneCaller(caller, until)));
  const seconds = (performance.now() - from) / 1_000;
  return { perSecond: counts.reduce((a, b) => a + b, 0) / seconds };
}

async function oneCaller(caller: Caller, until: number): Promise<number> {
  let calls = 0;
  // Reads the clock once in a hundred calls, so that the clock is not what is measured.
  do {
    for (let i = 0; i < 100; i++) await caller.call();
    calls += 100;
    // A chain of local calls never leaves the microtask queue: here timers get their turn, as in a real service.
    await new Promise(setImmediate);
  } while (performance.now() < until);
  return calls;
}
