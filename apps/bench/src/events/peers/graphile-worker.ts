import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import type { Something } from '../produce.js';
import type { Peer, PeerOptions } from './peer.js';

const TASK = 'happened';
const QUIET = new Logger(() => () => undefined);

/**
 * Opens graphile-worker: with its defaults (one job at a time, each fetched and each completed by a statement), or with
 * its local queue of 500 jobs, 24 at once, and completions batched over 10 ms.
 */
export async function openGraphileWorker({ databaseUrl, handle }: PeerOptions, tuned: boolean): Promise<Peer> {
  const options = { connectionString: databaseUrl, logger: QUIET };
  const utils = await makeWorkerUtils(options);
  await utils.migrate();
  const runner = await run({
    ...options,
    noHandleSignals: true,
    taskList: { [TASK]: (payload) => handle(payload as Something) },
    ...(tuned && {
      concurrency: 24,
      maxPoolSize: 26,
      preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 10 } },
    }),
  });
  return {
    publish: async (events) => {
      await utils.addJobs(events.map((payload) => ({ identifier: TASK, payload })));
    },
    close: async () => {
      await runner.stop();
      await utils.release();
    },
  };
}
