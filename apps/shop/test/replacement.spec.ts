import { randomBytes } from 'node:crypto';
import { type FrontDoor, frontDoor } from '@fledge/app-cli/front-door';
import { type FreshDatabase, freshDatabase, testNatsUrl } from '@fledge/kit/testing';
import { ServiceProcess, type Surroundings } from './service-process.js';
import { SteadyLoad } from './steady-load.js';
import { MODULES, routesOf } from './started-shop.js';

const READY_WITHIN_MS = 30_000;
/** Requests answered between two events, so that each happens under load. */
const BETWEEN = 40;

let database: FreshDatabase;
let door: FrontDoor;
let around: Surroundings;
let load: SteadyLoad | undefined;
const running = new Set<ServiceProcess>();

beforeEach(async () => {
  database = await freshDatabase();
  door = await frontDoor({ port: 0 });
  around = { databaseUrl: database.url, natsUrl: testNatsUrl(), namespace: `real${randomBytes(5).toString('hex')}` };
});

afterEach(async () => {
  await load?.stop();
  load = undefined;
  await door.close();
  await Promise.all([...running].map((process) => process.kill()));
  running.clear();
  await database.drop();
});

async function start(topology: string, service: string): Promise<ServiceProcess> {
  const process = await ServiceProcess.start(topology, service, around);
  running.add(process);
  door.add(process.url, routesOf(service === 'shop' ? MODULES : [service]));
  return process;
}

/** A replica of each service, one after the other, as a deployment starts them. */
async function startSplit(): Promise<ServiceProcess[]> {
  const started: ServiceProcess[] = [];
  for (const name of MODULES) started.push(await start('split', name));
  return started;
}

/** Ends a process as a deployment does, with requests under way in it, and expects it to end well. */
async function retire(process: ServiceProcess): Promise<void> {
  await load?.burst();
  expect(await process.terminate()).toBe(0);
  running.delete(process);
  await door.remove(process.url);
}

/** No failure, or all that there is to know of it. */
function expectNoFailure({ failures }: SteadyLoad): void {
  if (failures.length > 0) throw new Error(`${failures.length} requests failed:\n${failures.slice(0, 5).join('\n')}\n\n${[...running].map((process) => process.errors()).join('')}`);
}

it('loses no request while each of two replicas of every service is stopped and started again', async () => {
  const replicas = [...(await startSplit()), ...(await startSplit())];
  await door.whenReady(READY_WITHIN_MS);
  load = await SteadyLoad.start(`http://127.0.0.1:${door.port}`);
  await load.goOn(BETWEEN);
  for (const replica of replicas) {
    await retire(replica);
    const fresh = await start('split', replica.service);
    await door.whenReady(READY_WITHIN_MS, [fresh.url]);
    await load.goOn(BETWEEN);
  }
  await load.stop();
  expectNoFailure(load);
  expect(load.answered).toBeGreaterThan(8 * BETWEEN);
}, 180_000);

it('loses no request while one process is replaced by four, and four by one', async () => {
  const monolith = await start('monolith', 'shop');
  await door.whenReady(READY_WITHIN_MS);
  load = await SteadyLoad.start(`http://127.0.0.1:${door.port}`);
  await load.goOn(BETWEEN);

  const services = await startSplit();
  await door.whenReady(READY_WITHIN_MS, services.map(({ url }) => url));
  await load.goOn(BETWEEN);
  await retire(monolith);
  await load.goOn(BETWEEN);

  const again = await start('monolith', 'shop');
  await door.whenReady(READY_WITHIN_MS, [again.url]);
  await load.goOn(BETWEEN);
  await Promise.all(services.map(retire));
  await load.goOn(BETWEEN);

  await load.stop();
  expectNoFailure(load);
}, 180_000);

it('goes on when replicas are killed: what was in flight on them fails typed, the rest is answered', async () => {
  await startSplit();
  const inventory = await start('split', 'inventory');
  const catalog = await start('split', 'catalog');
  await door.whenReady(READY_WITHIN_MS);
  load = await SteadyLoad.start(`http://127.0.0.1:${door.port}`);
  await load.goOn(BETWEEN);
  await inventory.kill();
  await load.goOn(4 * BETWEEN);
  await catalog.kill();
  await load.goOn(4 * BETWEEN);
  await load.stop();
  // What reads is sent elsewhere by the front door and by the boundary: only what was being ordered may fail, within its deadline.
  for (const failure of load.failures) expect(failure).toMatch(/^the order was answered (503|504)|order-in-progress/);
  expect(load.failures.length).toBeLessThanOrEqual(8);
}, 120_000);
