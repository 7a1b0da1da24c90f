/** A process of the checkout bench that runs workflows of DBOS Transact, on orders from its channel. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';

/** What the bench asks of the process. */
export type DbosOrder =
  | { readonly saturate: { readonly seconds: number; readonly buyers: number } }
  | { readonly steadily: { readonly seconds: number; readonly perSecond: number } };

/** How long each workflow took, and all of them together. */
export interface DbosAnswer {
  readonly tookMs: number;
  readonly timesMs: readonly number[];
}

/** The steps of the shop's checkout, from the order to the last mail. */
const STEPS = ['place', 'reserve', 'authorise', 'confirm', 'ship', 'capture', 'notify', 'complete'] as const;

const [databaseUrl = ''] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
await pool.query(
  'create table step (id bigint generated always as identity primary key, workflow text not null, name text not null)',
);

DBOS.setConfig({ name: 'bench', systemDatabaseUrl: databaseUrl, systemDatabasePoolSize: 20, logLevel: 'error' });
const checkout = DBOS.registerWorkflow(
  async (order: string): Promise<void> => {
    for (const name of STEPS)
      await DBOS.runStep(
        async () =>
          void (await pool.query({
            name: 'step',
            text: 'insert into step (workflow, name) values ($1, $2)',
            values: [order, name],
          })),
        { name },
      );
  },
  { name: 'checkout' },
);
await DBOS.launch();

let number = 0;

async function order(timesMs: number[]): Promise<void> {
  const from = performance.now();
  await checkout(`order-${number++}`);
  timesMs.push(performance.now() - from);
}

async function run(asked: DbosOrder): Promise<DbosAnswer> {
  const timesMs: number[] = [];
  const start = performance.now();
  if ('saturate' in asked) {
    const { seconds, buyers } = asked.saturate;
    const buyer = async (): Promise<void> => {
      while (performance.now() - start < seconds * 1_000) await order(timesMs);
    };
    await Promise.all(Array.from({ length: buyers }, buyer));
  } else {
    const { seconds, perSecond } = asked.steadily;
    const all: Promise<void>[] = [];
    for (let i = 0; i < seconds * perSecond; i++) {
      const early = start + (i * 1_000) / perSecond - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      all.push(order(timesMs));
    }
    await Promise.all(all);
  }
  return { tookMs: performance.now() - start, timesMs };
}

process.on('message', (asked: DbosOrder) => void run(asked).then((answer) => process.send?.(answer)));
process.on('disconnect', () => void DBOS.shutdown().then(() => process.exit()));
process.send?.('ready');
