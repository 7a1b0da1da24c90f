import type { Shop } from './shop.js';

/**
 * Puts a process with all modules and the transport `local` beside the services, has it take over, and gives back, on
 * the same database and broker while buyers order. Waits with `beside` as long as both are to work side by side.
 * Resolves to what did not end well.
 */
export async function resplit(shop: Shop, beside: () => Promise<void>): Promise<string[]> {
  const whole = await shop.startWhole();
  await beside();
  const ended = await shop.takeAway(shop.services);
  await shop.bring(shop.services);
  await beside();
  return [...ended, ...(await shop.takeAway([whole]))];
}
