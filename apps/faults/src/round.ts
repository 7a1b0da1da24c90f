import { brokenInvariants } from './check/invariants.js';
import { endState } from './check/end-state.js';
import { storiesOf } from './check/story.js';
import { untilStill } from './check/stillness.js';
import { Tables } from './check/tables.js';
import { injure } from './injure.js';
import { planOrders } from './plan/buyer-plan.js';
import { type Area, type Injury, planInjuries } from './plan/injury-plan.js';
import { Random } from './plan/random.js';
import { type OrderedResult, placeOrders } from './shop/buyers.js';
import { BUYERS, PRODUCTS, type World } from './world.js';

/** How a round is played. */
export interface RoundOptions {
  readonly seed: number;
  readonly orders: number;
  readonly faults: boolean;
  readonly area: Area;
  /** How long it may take to come to rest when all is healed, in milliseconds. */
  readonly stillWithinMs: number;
}

/** How a round went. */
export interface RoundResult {
  readonly seed: number;
  readonly accepted: number;
  readonly orders: number;
  /** What the plan did to the shop. */
  readonly injuries: readonly Injury[];
  /** What the agents in the services did on the plan's order, and how often. */
  readonly done: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  /** What happened to the orders that are broken. */
  readonly stories: readonly string[];
  /** Why orders were not accepted. */
  readonly refusals: readonly string[];
  /** What the shop came to, in a form that two topologies can be compared by. */
  readonly state: string;
  readonly tookMs: number;
}

const INJURIES = 6;
const INJURED_WITHIN_MS = 4_000;
const PAUSE_MS = 150;
const HEALED_WITHIN_MS = 60_000;
const STOCK = 1_000;
// the injuries of a seed must not change what its buyers do
const INJURY_SALT = 0x5eed;

/** Plays one seed: buyers order, the shop is injured, all heals and comes to rest, and everything is counted. */
export async function playRound(world: World, { seed, orders, faults, area, stillWithinMs }: RoundOptions): Promise<RoundResult> {
  const start = performance.now();
  world.reports.length = 0;
  const plans = planOrders(new Random(seed), orders, BUYERS, PRODUCTS);
  const planned = faults ? planInjuries(new Random(seed ^ INJURY_SALT), INJURIES, INJURED_WITHIN_MS, { services: world.shop.services.length, hasBroker: world.broker !== undefined, area }) : [];
  await receiveStock(world, seed);
  const injuries: Injury[] = [];
  const [results] = await Promise.all([placeOrders(world.buyers, plans, world.products, PAUSE_MS), injure(world, planned, (injury) => injuries.push(injury))]);
  await world.heal(HEALED_WITHIN_MS);
  const tables = await Tables.open(world.database.ownUrl);
  try {
    const unrest = await untilStill(tables, stillWithinMs);
    const broken = [...unrest.map((line) => `not at rest after ${stillWithinMs} ms: ${line}`), ...(await brokenInvariants(tables, world.provider, results))];
    const stories = broken.length === 0 ? [] : await storiesOf(tables, broken);
    return { seed, orders, injuries, broken, stories, accepted: accepted(results), done: counted(world), refusals: results.flatMap(({ refusal }) => refusal ?? []), state: await endState(tables, results, world.products), tookMs: performance.now() - start };
  } finally {
    await tables.close();
  }
}

function accepted(results: readonly OrderedResult[]): number {
  return results.filter((result) => result.orderId !== undefined).length;
}

function counted(world: World): Record<string, number> {
  const done: Record<string, number> = {};
  for (const { did, at } of world.reports) {
    const what = at === undefined ? did : `${did} at ${at}`;
    done[what] = (done[what] ?? 0) + 1;
  }
  return done;
}

async function receiveStock(world: World, seed: number): Promise<void> {
  for (const productId of world.products) {
    const { status, body } = await world.staff.insist('POST', '/stock/receipts', { productId, quantity: STOCK, reference: `seed-${seed}-${productId}` }, {}, HEALED_WITHIN_MS);
    if (status > 299 && status !== 409) throw new Error(`stock can not be received: ${status} ${JSON.stringify(body)}`);
  }
}
