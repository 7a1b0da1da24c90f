import { healthyP95Ms, slowAnswers } from './check/answers.js';
import { brokenInvariants } from './check/invariants.js';
import { endState } from './check/end-state.js';
import { timelinesOf } from './check/timeline.js';
import { untilQuiescent } from './check/quiescence.js';
import { Tables } from './check/tables.js';
import { injure } from './injure.js';
import type { Area } from './plan/areas.js';
import { type OrderPlan, planOrders } from './plan/buyer-plan.js';
import type { Injury } from './plan/injury.js';
import { Random } from './plan/random.js';
import { planRound, type RoundPlan } from './plan/round-plan.js';
import { type OrderedResult, placeOrders } from './shop/buyers.js';
import { BUYERS, PRODUCTS, type World } from './world.js';

/** How to play a round. */
export interface RoundOptions {
  readonly seed: number;
  readonly orders: number;
  readonly faults: boolean;
  /** What to injure; `undefined`: the seed decides. */
  readonly area: Area | undefined;
  /** Why some injuries are impossible on this machine, by their area. */
  readonly missing: Readonly<Partial<Record<Area, string>>>;
  /** How long it may take to come to rest after everything is healed, in milliseconds. */
  readonly quiescentWithinMs: number;
}

/** The result of a round. */
export interface RoundResult {
  readonly seed: number;
  readonly area: Area | 'nothing';
  readonly accepted: number;
  readonly orders: number;
  /** Why the round was not played, if it was not. */
  readonly skipped: string | undefined;
  /** How long orders took, in milliseconds from the first attempt to the end. */
  readonly slowest: { readonly p95Ms: number; readonly mostMs: number };
  /** Other notes, a line each. */
  readonly notes: readonly string[];
  /** What the plan did to the shop. */
  readonly injuries: readonly Injury[];
  /** What the agents in the services did on the plan's orders, and how often. */
  readonly done: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  /** The history of the broken orders. */
  readonly timelines: readonly string[];
  /** Why orders were not accepted. */
  readonly refusals: readonly string[];
  /** The final state of the shop, in a form that can be compared between two topologies. */
  readonly state: string;
  readonly tookMs: number;
}

const UNINJURED_PAUSE_MS = 150;
const HEALED_WITHIN_MS = 60_000;
const STOCK = 1_000;
// the injuries of a seed must not change what its buyers do
const INJURY_SALT = 0x5eed;

/** How long an order takes at most on an otherwise idle machine. */
const ORDER_MS = 5_000;
const SLOWNESS_MAX = 5;
const MEASURED_WITHIN_MS = 120_000;

/**
 * Lets each buyer order once, without injuries, to measure how slow this machine is at the moment: promises about time
 * are scaled by that.
 */
export async function measureSlowness(world: World): Promise<void> {
  world.begin();
  const { progress } = world;
  await receiveStock(world, 0);
  const plans = Array.from({ length: BUYERS }, (_, number) => ({
    number,
    buyer: number,
    product: 0,
    quantity: 1,
    paymentMethod: 'pm_card_approved',
    cancelAfterMs: undefined,
  }));
  await placeOrders(world.buyers, plans, world.products, 0, progress);
  const until = performance.now() + MEASURED_WITHIN_MS;
  while (!progress.isOver && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
  await progress.stop();
  world.slowness = Math.min(SLOWNESS_MAX, Math.max(1, progress.slowest().mostMs / ORDER_MS));
}

/** Plays one seed: buyers order, the shop is injured, everything heals and comes to rest, and everything is checked. */
export async function playRound(
  world: World,
  { seed, orders, faults, area, missing, quiescentWithinMs }: RoundOptions,
): Promise<RoundResult> {
  const start = performance.now();
  world.begin();
  const { progress } = world;
  const round = faults ? planRound(new Random(seed ^ INJURY_SALT), area, world.body) : undefined;
  const injuries: Injury[] = [];
  const facts = { seed, orders, area: round?.area ?? ('nothing' as const), injuries };
  const lacks = round && missing[round.area];
  try {
    if (lacks !== undefined) return { ...facts, ...NOT_PLAYED, skipped: lacks, tookMs: performance.now() - start };
    const plans = spared(planOrders(new Random(seed), orders, BUYERS, PRODUCTS), round);
    await receiveStock(world, seed);
    if (round?.keepsPremise !== true) progress.suspend();
    const placing = placeOrders(world.buyers, plans, world.products, round?.pauseMs ?? UNINJURED_PAUSE_MS, progress);
    const [results] = await Promise.all([
      placing,
      injure(world, round?.injuries ?? [], (injury) => injuries.push(injury)),
    ]);
    await world.heal(HEALED_WITHIN_MS);
    if (round?.keepsPremise !== true) progress.restore();
    return {
      ...facts,
      ...(await counted(world, results, quiescentWithinMs)),
      skipped: undefined,
      tookMs: performance.now() - start,
    };
  } finally {
    await progress.stop();
  }
}

const NOT_PLAYED = {
  accepted: 0,
  done: {},
  broken: [],
  timelines: [],
  refusals: [],
  state: '',
  slowest: { p95Ms: 0, mostMs: 0 },
  notes: [],
};

/** The order whose message is to be poisoned must get as far as that message. */
function spared(plans: readonly OrderPlan[], round: RoundPlan | undefined): OrderPlan[] {
  const poisoned = round?.injuries.flatMap((injury) => (injury.what === 'poison' ? [injury.order] : []));
  return plans.map((plan) =>
    poisoned?.includes(plan.number) === true
      ? { ...plan, paymentMethod: 'pm_card_approved', cancelAfterMs: undefined }
      : plan,
  );
}

async function counted(
  world: World,
  results: readonly OrderedResult[],
  quiescentWithinMs: number,
): Promise<Omit<RoundResult, 'seed' | 'orders' | 'area' | 'injuries' | 'skipped' | 'tookMs'>> {
  const { progress, shop } = world;
  const tables = await Tables.open(world.database.ownUrl);
  try {
    const unrest = await untilQuiescent(tables, quiescentWithinMs);
    const p95Ms = healthyP95Ms(shop.tried, world.injured);
    const broken = [
      ...unrest.map((line) => `not at rest after ${quiescentWithinMs} ms: ${line}`),
      ...(await brokenInvariants(tables, world.provider, results)),
      ...progress.breaches(),
      ...shop.all().flatMap((service) => service.takeDeaths()),
      ...world.broken,
      ...slowAnswers(p95Ms, world.slowness),
    ];
    const timelines = broken.length === 0 ? [] : await timelinesOf(tables, broken);
    const notes = [
      ...(world.slowness > 1 ? [`a machine ${world.slowness.toFixed(1)} times too slow`] : []),
      ...world.notes,
      ...(p95Ms === undefined ? [] : [`healthy replicas answered in ${(p95Ms / 1_000).toFixed(1)} s at p95`]),
    ];
    const refusals = results.flatMap(({ refusal }) => refusal ?? []);
    return {
      broken,
      timelines,
      notes,
      refusals,
      accepted: accepted(results),
      done: done(world),
      slowest: progress.slowest(),
      state: await endState(tables, results, world.products),
    };
  } finally {
    await tables.close();
  }
}

function accepted(results: readonly OrderedResult[]): number {
  return results.filter((result) => result.orderId !== undefined).length;
}

function done(world: World): Record<string, number> {
  const done: Record<string, number> = {};
  const refused = world.shop.all().reduce((sum, service) => sum + service.takeRefusedStarts(), 0);
  if (refused > 0) done['start refused'] = refused;
  for (const { did, at } of world.reports) {
    const what = at === undefined ? did : `${did} at ${at}`;
    done[what] = (done[what] ?? 0) + 1;
  }
  return done;
}

async function receiveStock(world: World, seed: number): Promise<void> {
  for (const productId of world.products) {
    const { status, body } = await world.staff.insist(
      'POST',
      '/stock/receipts',
      { productId, quantity: STOCK, reference: `seed-${seed}-${productId}` },
      {},
      HEALED_WITHIN_MS,
    );
    if (status > 299 && status !== 409) throw new Error(`stock cannot be received: ${status} ${JSON.stringify(body)}`);
  }
}
