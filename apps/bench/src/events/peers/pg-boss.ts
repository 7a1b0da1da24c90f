import PgBoss from 'pg-boss';
import type { Something } from '../produce.js';
import type { Peer, PeerOptions } from './peer.js';

const QUEUE = 'happened';
const BATCH = 500;

/**
 * Opens pg-boss with batches of 500 jobs. It only polls, at most twice a second, so `notifyWorker` informs it of new
 * jobs, which reaches only a worker in the publisher's own process. With its defaults it would handle one job every two
 * seconds.
 */
export async function openPgBoss({ databaseUrl, handle }: PeerOptions): Promise<Peer> {
  const boss = new PgBoss({ connectionString: databaseUrl, schedule: false });
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  await boss.start();
  await boss.createQueue(QUEUE);
  const worker = await boss.work<Something>(QUEUE, { batchSize: BATCH, pollingIntervalSeconds: 0.5 }, async (jobs) => {
    await Promise.all(jobs.map((job) => handle(job.data)));
    if (jobs.length === BATCH) boss.notifyWorker(worker);
  });
  return {
    publish: async (events) => {
      await boss.insert(events.map((data) => ({ name: QUEUE, data })));
      boss.notifyWorker(worker);
    },
    close: () => boss.stop({ graceful: true, wait: true }),
  };
}
