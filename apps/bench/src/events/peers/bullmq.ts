import { createPostgresBackend, Queue, Worker } from 'bullmq';
import type { Something } from '../produce.js';
import type { Peer, PeerOptions } from './peer.js';

const QUEUE = 'happened';

/** Opens BullMQ with this many concurrent jobs, on Redis or on PostgreSQL; finished jobs are removed. */
export async function openBullmq(
  { databaseUrl, redisUrl, handle }: PeerOptions,
  { postgres, concurrency }: { readonly postgres: boolean; readonly concurrency: number },
): Promise<Peer> {
  const defaultJobOptions = { removeOnComplete: true };
  const work = (job: { readonly data: Something }): Promise<void> => handle(job.data);
  const redis = { url: redisUrl, maxRetriesPerRequest: null };
  const queue = postgres
    ? new Queue(
        QUEUE,
        { connection: { connectionString: databaseUrl, migrate: true }, defaultJobOptions },
        createPostgresBackend,
      )
    : new Queue(QUEUE, { connection: redis, defaultJobOptions });
  await queue.waitUntilReady();
  const worker = postgres
    ? new Worker(
        QUEUE,
        work,
        { connection: { connectionString: databaseUrl, max: 20 }, concurrency },
        createPostgresBackend,
      )
    : new Worker(QUEUE, work, { connection: redis, concurrency });
  await worker.waitUntilReady();
  return {
    publish: async (events) => {
      await queue.addBulk(events.map((data) => ({ name: QUEUE, data })));
    },
    close: async () => {
      await worker.close();
      await queue.close();
    },
  };
}
