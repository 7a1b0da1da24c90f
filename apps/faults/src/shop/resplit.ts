import type { Shop } from './shop.js';

/**
 * Starts a process with all modules and the transport `local` beside the services, lets it take over, and hands back,
 * on the same database and broker while buyers order. `beside` waits while both work in parallel. Resolves to what did
 * not end well.
 */
export async function resplit(shop: Shop, beside: () => Promise<void>): Promise<string[]> {
  const whole = await shop.startWhole();
  await beside();
  const ended = await shop.takeAway(shop.services);
  await shop.bring(shop.services);
  await beside();
  return [...ended, ...(await shop.takeAway([whole]))];
}
