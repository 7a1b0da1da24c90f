import type { OrderPlan } from '../plan/buyer-plan.js';
import { Tables } from './tables.js';

/**
 * The time in which an order completes, in milliseconds, as long as there is a healthy replica of each module, its
 * database and a broker.
 */
export const COMPLETE_WITHIN_MS = 30_000;
/** How many orders in a hundred may take longer. */
const LATE_OF_100 = 1;
/** An order that is open for longer may be stuck. */
const STIRS_WITHIN_MS = 8_000;
const LOOK_EVERY_MS = 250;
const FINAL = ['rejected', 'completed', 'refunded', 'cancelled'];

interface Watched {
  readonly plan: OrderPlan;
  readonly orderId: string;
  readonly askedAt: number;
  state: string;
  endedAt: number | undefined;
  /** The time that counts against the promise, at its end or until now. */
  ageMs: number;
}

/**
 * Measures how long each order takes, from its buyer's first request to its end, while faults last. Time counts only as
 * long as the premise of the promise holds. Uses the lab's own clock and its own connection to the database.
 */
export class Progress {
  private readonly orders = new Map<string, Watched>();
  private readonly refused: { readonly plan: OrderPlan; readonly text: string }[] = [];
  private broken = 0;
  private premiseSince = 0;
  private stopped = false;
  private tables: Tables | undefined;
  private readonly watching: Promise<void>;
  /** The order whose message may kill: the promise does not cover it. */
  spared: string | undefined;

  /** `slowness`: by which factor this machine is slower than the one for which the promise is made. */
  constructor(
    private readonly url: string,
    private readonly slowness: number,
  ) {
    this.watching = this.watch();
  }

  /** Suspends the premise until `restore`; may be nested. */
  suspend(): void {
    this.broken += 1;
  }

  restore(): void {
    this.broken -= 1;
    this.premiseSince = performance.now();
  }

  accepted(plan: OrderPlan, orderId: string, askedAt: number): void {
    this.orders.set(orderId, { plan, orderId, askedAt, state: 'accepted', endedAt: undefined, ageMs: 0 });
  }

  /** The buyer has given up. */
  notAccepted(plan: OrderPlan, text: string): void {
    if (this.broken === 0) this.refused.push({ plan, text });
  }

  /** Records the id of an accepted order, by its number in the plan. */
  idOf(number: number): string | undefined {
    return [...this.orders.values()].find(({ plan }) => plan.number === number)?.orderId;
  }

  /** Whether no order has been open for so long that it may be stuck. */
  get isMoving(): boolean {
    return [...this.orders.values()].every(
      (order) =>
        order.endedAt !== undefined || order.ageMs < STIRS_WITHIN_MS * this.slowness || order.orderId === this.spared,
    );
  }

  /** Whether every order has ended. */
  get isOver(): boolean {
    return [...this.orders.values()].every((order) => order.endedAt !== undefined);
  }

  get isBreached(): boolean {
    return this.late().length > allowed(this.orders.size);
  }

  /** How the promise is broken, a line each; none if no more orders were late than allowed. */
  breaches(): string[] {
    const late = this.late();
    const refused = this.refused.map(
      ({ plan, text }) =>
        `order ${plan.number} of buyer ${plan.buyer} was not accepted while a replica of each module was healthy: ${text}`,
    );
    const lines = late.map(
      ({ orderId, plan, ageMs, state, endedAt }) =>
        `order ${orderId} (${plan.paymentMethod}) ${endedAt === undefined ? 'is' : 'was'} ${state} after ${(ageMs / 1_000).toFixed(1)} s with a healthy replica of each module`,
    );
    return late.length + refused.length > allowed(this.orders.size) ? [...lines, ...refused] : [];
  }

  /**
   * How long the slowest orders took, in milliseconds from the first attempt to the end: the slowest of all, and the
   * 95th percentile.
   */
  slowest(): { readonly p95Ms: number; readonly mostMs: number } {
    const took = [...this.orders.values()]
      .map((order) => (order.endedAt ?? performance.now()) - order.askedAt)
      .sort((a, b) => a - b);
    return { p95Ms: took[Math.ceil(took.length * 0.95) - 1] ?? 0, mostMs: took.at(-1) ?? 0 };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.watching;
  }

  private late(): Watched[] {
    return [...this.orders.values()].filter(
      (order) =>
        order.orderId !== this.spared && (order.ageMs > COMPLETE_WITHIN_MS * this.slowness || this.wasGivenUp(order)),
    );
  }

  /** It was cancelled although the premise held throughout. */
  private wasGivenUp({ plan, state, ageMs, askedAt }: Watched): boolean {
    return state === 'cancelled' && mustComplete(plan) && ageMs > 0 && askedAt >= this.premiseSince;
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      await this.look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    await this.look();
    await this.tables?.close().catch(() => undefined);
  }

  private async look(): Promise<void> {
    const open = [...this.orders.values()].filter((order) => order.endedAt === undefined);
    const states =
      open.length === 0 ? new Map<string, string>() : await this.states(open.map((order) => order.orderId));
    const at = performance.now();
    for (const order of open) {
      order.ageMs = this.broken > 0 ? 0 : at - Math.max(order.askedAt, this.premiseSince);
      order.state = states.get(order.orderId) ?? order.state;
      if (FINAL.includes(order.state)) order.endedAt = at;
    }
  }

  private async states(ids: readonly string[]): Promise<Map<string, string>> {
    try {
      this.tables ??= await Tables.open(this.url);
      const rows = await this.tables.rows<{ id: string; state: string }>(
        'select id, state from ordering.orders where id = any($1::uuid[])',
        [ids],
      );
      return new Map(rows.map(({ id, state }) => [id, state]));
    } catch {
      // The database is down, which the lab causes itself: the next check opens a new connection.
      await this.tables?.close().catch(() => undefined);
      this.tables = undefined;
      return new Map();
    }
  }
}

/** Only a fault keeps it from completing. */
function mustComplete({ paymentMethod, cancelAfterMs }: OrderPlan): boolean {
  return paymentMethod === 'pm_card_approved' && cancelAfterMs === undefined;
}

function allowed(orders: number): number {
  return Math.floor((orders * LATE_OF_100) / 100);
}
