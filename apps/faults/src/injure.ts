import { Tables } from './check/tables.js';
import { Random } from './plan/random.js';
import type { Injury } from './plan/injury.js';
import type { Service } from './shop/service.js';
import { drowned, flood } from './shop/flood.js';
import { poison } from './shop/poison.js';
import { resplit } from './shop/resplit.js';
import type { World } from './world.js';

const LOOK_EVERY_MS = 100;
const ACCEPTED_WITHIN_MS = 60_000;
/** Long enough for a few starts of processes, and for others to take over a dead replica's work. */
const PUT_ASIDE_WITHIN_MS = 90_000;

/** Injures the running shop as the plan of a seed says; resolves when the last injury is over. */
export async function injure(world: World, injuries: readonly Injury[], did: (injury: Injury) => void): Promise<void> {
  const start = performance.now();
  const running = injuries.map(async (injury) => {
    await sleep(Math.max(0, start + injury.atMs - performance.now()));
    did(injury);
    await apply(world, injury);
  });
  await Promise.all(running);
}

async function apply(world: World, injury: Injury): Promise<void> {
  switch (injury.what) {
    case 'database-restart':
      return world.restartDatabase(injury.forMs);
    case 'broker-restart':
      return world.restartBroker(injury.forMs, 'none');
    case 'broker-wipe':
      return world.restartBroker(injury.forMs, 'all');
    case 'broker-freeze':
      return world.broker?.freeze(injury.forMs);
    case 'line-cut':
      return void world.lines(injury.line).map((line) => line.cut());
    case 'line-refuse':
      return all(world.lines(injury.line).map((line) => line.refuse(sleep(injury.forMs))));
    case 'line-slow':
      return all(world.lines(injury.line).map((line) => line.slow(injury.delayMs, sleep(injury.forMs))));
    case 'clock-step':
      return injury.of === 'database'
        ? world.database.setClock(injury.byMs)
        : serviceOf(world, injury.of).order({ clockMs: injury.byMs });
    case 'sessions-end':
      return endSessions(world, injury);
    case 'broker-tail':
      return withoutPremise(world, () => loseTail(world, injury));
    case 'disk-full':
      return withoutPremise(world, () => fillDisk(world, injury.forMs));
    case 'overload':
      return withoutPremise(world, () => overload(world, injury.forMs));
    case 'resplit':
      return void world.broken.push(
        ...(await resplit(world.shop, () => lasting(world, injury.besideMs, injury.leastMs))),
      );
    case 'poison':
      return poisonOrder(world, injury);
    default:
      return injureService(world, injury);
  }
}

type ServiceInjury = Extract<Injury, { service: number }>;

async function injureService(world: World, injury: ServiceInjury): Promise<void> {
  const service = serviceOf(world, injury.service);
  switch (injury.what) {
    case 'kill-at':
      return service.order({ at: injury.point, after: injury.after, signal: 'SIGKILL' });
    case 'freeze-at':
      return service.order({ at: injury.point, after: injury.after, signal: 'SIGSTOP' });
    case 'kill':
      return service.kill();
    case 'freeze':
      return service.freeze(sleep(injury.forMs));
    case 'conflicts':
      return service.order({ conflicts: injury.times });
    case 'lost-commits':
      return service.order({ lostCommits: injury.times });
    case 'exhaust-pools':
      return service.order({ exhaustMs: injury.forMs });
    case 'long-freeze':
      return alone(world, service, service.freeze(lasting(world, injury.forMs, injury.leastMs)));
    case 'replica-line': {
      const line = service.lines[injury.line];
      const healed = lasting(world, injury.forMs, injury.leastMs);
      if (line === undefined) throw new Error(`${service.title} has no line to the ${injury.line}`);
      if (injury.how === 'refuse') return alone(world, service, line.refuse(healed));
      if (injury.how === 'slow') return alone(world, service, line.slow(SLOW_MS, healed));
      return alone(world, service, line.mute(injury.how, healed));
    }
  }
}

const SLOW_MS = 100;

/** Records when one replica was injured. */
async function alone(world: World, service: Service, injuring: Promise<void>): Promise<void> {
  const from = performance.now();
  await injuring;
  world.injured.push({ service: service.title, from, to: performance.now() });
}

/**
 * Lasts `ms`; with `leastMs` it may end after that, as soon as all orders progress or clearly do not. Both are longer
 * on a slow machine.
 */
async function lasting(world: World, ms: number, leastMs: number): Promise<void> {
  if (leastMs === 0) return sleep(ms);
  const from = performance.now();
  for (let past = 0; past < ms; past = (performance.now() - from) / world.slowness) {
    if (past > leastMs && (world.progress.isMoving || world.progress.isBreached)) return;
    await sleep(LOOK_EVERY_MS);
  }
}

async function withoutPremise(world: World, work: () => Promise<void>): Promise<void> {
  world.progress.suspend();
  await work().finally(() => world.progress.restore());
}

async function endSessions(
  world: World,
  { every, times, pauseMs, seed }: Extract<Injury, { what: 'sessions-end' }>,
): Promise<void> {
  const random = new Random(seed);
  for (let time = 0; time < times; time++) {
    // a database that is down has no sessions
    await world.database.endSessions(random, every).catch(() => 0);
    await sleep(pauseMs);
  }
}

/**
 * A power cut on the machine of the broker and one service, with all others cut off before: what the broker
 * acknowledged meanwhile is read by nobody else, and its writer does not remember it.
 */
async function loseTail(
  world: World,
  { writer, newest, unreadMs, forMs }: Extract<Injury, { what: 'broker-tail' }>,
): Promise<void> {
  const { name } = serviceOf(world, writer);
  const writers = world.shop.services.filter((service) => service.name === name);
  const lost = sleep(unreadMs).then(() => {
    for (const service of writers) service.kill();
    return world.restartBroker(forMs, { newest, readUpTo: () => readUpTo(world) });
  });
  await all(
    world.shop.services
      .filter((service) => service.name !== name)
      .flatMap(({ lines }) => lines.broker?.refuse(lost) ?? []),
  );
  await lost;
  const until = performance.now() + READY_AGAIN_WITHIN_MS;
  while (!(await Promise.all(writers.map((service) => service.isReady()))).every(Boolean) && performance.now() < until)
    await sleep(LOOK_EVERY_MS);
}

const READY_AGAIN_WITHIN_MS = 60_000;
const STORED_WITHIN_MS = 150;

/**
 * The furthest position in the stream that a module has read. Without the table with positions, the newest messages
 * count as read.
 */
async function readUpTo(world: World): Promise<number> {
  // what was read before the broker died may be about to be stored in the table
  await sleep(STORED_WITHIN_MS);
  const tables = await Tables.open(world.database.ownUrl);
  try {
    const schemas = await tables.schemas();
    const [furthest] = await tables.rows<{ up_to: string | null }>(
      `select max(sequence) as up_to from (${schemas.map((schema) => `select sequence from "${schema}".fledge_log_position`).join(' union all ')}) read`,
    );
    return Number(furthest?.up_to ?? Infinity);
  } catch {
    return Infinity;
  } finally {
    await tables.close();
  }
}

async function fillDisk(world: World, forMs: number): Promise<void> {
  const isFull = await world.database.fillDisk(sleep(forMs));
  world.notes.push(isFull ? 'the disk was full' : 'the disk was not full');
}

const IN_TIME_MS = 1_000;
const SLOWER_MAX = 2;

async function overload(world: World, forMs: number): Promise<void> {
  const replicas = world.shop.services.filter(({ modules }) => modules.includes('catalog'));
  const slower = Math.min(SLOWER_MAX, world.slowness);
  const flooded = await flood(
    replicas.map(({ url }) => url),
    `/products/${world.products[0] ?? ''}`,
    forMs * slower,
    IN_TIME_MS * slower,
  );
  world.notes.push(
    `peak ${flooded.peakPerSecond.toFixed(0)} a second; of ${flooded.sent} at three times that ${flooded.inTime} in time, ${flooded.refused} refused`,
  );
  world.broken.push(...drowned(flooded, forMs * slower));
}

async function poisonOrder(world: World, { table, order }: Extract<Injury, { what: 'poison' }>): Promise<void> {
  const until = performance.now() + ACCEPTED_WITHIN_MS;
  let orderId: string | undefined;
  while ((orderId = world.progress.idOf(order)) === undefined && performance.now() < until) await sleep(10);
  if (orderId === undefined) throw new Error(`order ${order}, which is to be poisoned, was not accepted`);
  world.progress.spared = orderId;
  const deaths = (): number => world.reports.filter(({ did }) => did === 'poisoned').length;
  world.broken.push(
    ...(await poison(world.shop, world.database.ownUrl, table, orderId, PUT_ASIDE_WITHIN_MS * world.slowness, deaths)),
  );
  world.notes.push(`${deaths()} processes ended by one message`);
}

function serviceOf(world: World, number: number): Service {
  const service = world.shop.services[number];
  if (service === undefined) throw new Error(`the plan injures service ${number}, and there is none`);
  return service;
}

async function all(injuring: readonly Promise<void>[]): Promise<void> {
  await Promise.all(injuring);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
