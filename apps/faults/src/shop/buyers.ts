import { randomUUID } from 'node:crypto';
import type { Progress } from '../check/progress.js';
import type { OrderPlan } from '../plan/buyer-plan.js';
import type { Shop } from './shop.js';
import type { ShopClient } from './client.js';

/** The result of an order for its buyer. */
export interface OrderedResult {
  readonly plan: OrderPlan;
  /** The order's id if it was answered with a 2xx. */
  readonly orderId: string | undefined;
  /** Otherwise the last status, and what came with it. */
  readonly refusal: string | undefined;
}

const INSIST_MS = 60_000;
const PASSWORD = 'a-password-for-the-lab';

/** Creates the buyers of a world, each with a separate cart. */
export async function signUp(shop: Shop, number: number): Promise<ShopClient[]> {
  const clients: ShopClient[] = [];
  for (let i = 0; i < number; i++) {
    const client = shop.client();
    const credentials = { email: `buyer-${i}@lab.test`, password: PASSWORD };
    await client.insist('POST', '/auth/register', credentials, {}, INSIST_MS);
    client.token = await logIn(client, credentials);
    clients.push(client);
  }
  return clients;
}

/** Logs in, and returns the token. */
export async function logIn(
  client: ShopClient,
  credentials: { readonly email: string; readonly password: string },
): Promise<string> {
  const { status, body } = await client.insist('POST', '/auth/login', credentials, {}, INSIST_MS);
  const token = (body as { accessToken?: string } | undefined)?.accessToken;
  if (token === undefined) throw new Error(`${credentials.email} cannot log in: ${status} ${JSON.stringify(body)}`);
  return token;
}

/**
 * Places the orders of a plan: each buyer one after the other, all buyers in parallel; each continues until it has an
 * answer.
 */
export async function placeOrders(
  buyers: readonly ShopClient[],
  plans: readonly OrderPlan[],
  products: readonly string[],
  pauseMs: number,
  progress: Progress,
): Promise<OrderedResult[]> {
  const perBuyer = buyers.map(async (client, buyer) => {
    const results: OrderedResult[] = [];
    const cancellations: Promise<void>[] = [];
    for (const plan of plans.filter((one) => one.buyer === buyer)) {
      const result = await place(client, plan, products[plan.product] as string, progress);
      results.push(result);
      if (result.orderId !== undefined && plan.cancelAfterMs !== undefined)
        cancellations.push(cancelLater(client, result.orderId, plan.cancelAfterMs));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await Promise.all(cancellations);
    return results;
  });
  return (await Promise.all(perBuyer)).flat().sort((a, b) => a.plan.number - b.plan.number);
}

async function place(
  client: ShopClient,
  plan: OrderPlan,
  productId: string,
  progress: Progress,
): Promise<OrderedResult> {
  // What a failed order left in the cart must not go into this one.
  const { body: cart } = await client.insist('GET', '/cart', undefined, {}, INSIST_MS);
  for (const line of (cart as { items?: { productId: string }[] } | undefined)?.items ?? []) {
    await client.insist('DELETE', `/cart/items/${line.productId}`, undefined, {}, INSIST_MS);
  }
  await client.insist('POST', '/cart/items', { productId, quantity: plan.quantity }, {}, INSIST_MS);
  // A lost answer may have added it twice: read what the cart holds now.
  await client.insist('PATCH', `/cart/items/${productId}`, { quantity: plan.quantity }, {}, INSIST_MS);
  const askedAt = performance.now();
  const { status, body } = await client.insist(
    'POST',
    '/orders',
    { paymentMethod: plan.paymentMethod },
    { 'idempotency-key': randomUUID() },
    INSIST_MS,
  );
  const orderId = (body as { id?: string } | undefined)?.id;
  if (status < 200 || status > 299 || orderId === undefined) {
    const refusal = `${status} ${JSON.stringify(body)}`;
    progress.notAccepted(plan, refusal);
    return { plan, orderId: undefined, refusal };
  }
  progress.accepted(plan, orderId, askedAt);
  return { plan, orderId, refusal: undefined };
}

/** Requests a cancellation until it is answered; 'too late' is a valid answer. */
async function cancelLater(client: ShopClient, orderId: string, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await client.insist('POST', `/orders/${orderId}/cancel`, undefined, {}, INSIST_MS);
}
