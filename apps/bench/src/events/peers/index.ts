import type { PeerPlan } from './peer.js';

// Loaded only by the process that runs one.
const graphile =
  (tuned: boolean): PeerPlan['open'] =>
  async (options) =>
    (await import('./graphile-worker.js')).openGraphileWorker(options, tuned);
const bullmq =
  (options: { readonly postgres: boolean; readonly concurrency: number }): PeerPlan['open'] =>
  async (peer) =>
    (await import('./bullmq.js')).openBullmq(peer, options);

/**
 * The queues that are compared with Fledge's durable events: each with its defaults, and as its documentation
 * recommends for throughput if that differs. All deliver jobs at least once, without an order of keys, and a job counts
 * as handled when its handler has ended, before its queue has marked it as done.
 */
export const PEERS: readonly PeerPlan[] = [
  { name: 'graphile-worker, as it comes', share: 0.1, open: graphile(false) },
  { name: 'graphile-worker, batched', share: 1, open: graphile(true) },
  { name: 'pg-boss, batched', share: 1, open: async (options) => (await import('./pg-boss.js')).openPgBoss(options) },
  { name: 'BullMQ on PostgreSQL, 50 at once', share: 0.2, open: bullmq({ postgres: true, concurrency: 50 }) },
  {
    name: 'BullMQ on Redis, as it comes',
    share: 0.4,
    needsRedis: true,
    open: bullmq({ postgres: false, concurrency: 1 }),
  },
  {
    name: 'BullMQ on Redis, 50 at once',
    share: 1,
    needsRedis: true,
    open: bullmq({ postgres: false, concurrency: 50 }),
  },
];

export type { PeerPlan } from './peer.js';
