import type { Random } from './random.js';

/** The behaviour of the provider's test cards, and how often each is used in a hundred orders. */
const CARDS: readonly (readonly [string, number])[] = [
  ['pm_card_approved', 50],
  ['pm_card_declined', 5],
  ['pm_card_insufficient_funds', 5],
  ['pm_card_slow', 5],
  ['pm_card_charged_timeout', 10],
  ['pm_card_error_then_success', 10],
  ['pm_card_late_webhook', 8],
  ['pm_card_duplicate_webhook', 7],
];

/** An order that a buyer will make. */
export interface OrderPlan {
  readonly number: number;
  readonly buyer: number;
  /** The index of the product among those for sale. */
  readonly product: number;
  readonly quantity: number;
  readonly paymentMethod: string;
  /** How long after it was placed it is cancelled, if at all. */
  readonly cancelAfterMs: number | undefined;
}

/** The actions of a seed's buyers: the same for the same seed. */
export function planOrders(random: Random, orders: number, buyers: number, products: number): OrderPlan[] {
  return Array.from({ length: orders }, (_, number) => ({
    number,
    buyer: number % buyers,
    product: random.whole(0, products - 1),
    quantity: random.whole(1, 3),
    paymentMethod: card(random),
    cancelAfterMs: random.chance(0.2) ? random.whole(0, 300) : undefined,
  }));
}

function card(random: Random): string {
  let left = random.whole(
    1,
    CARDS.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [name, weight] of CARDS) {
    left -= weight;
    if (left <= 0) return name;
  }
  throw new Error('the weights of the cards do not add up');
}
