/** A process of the events bench: hosts the given modules, on orders from its channel. */
import 'reflect-metadata';
import { Host, LocalTransport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { handling, pipe, Producer, taken } from './pipe.js';
import type { ProduceOptions } from './produce.js';

/** What the bench asks of the process. */
export type PipeOrder =
  { readonly produce: ProduceOptions } | { readonly lags: true } | { readonly taken: true } | { readonly memory: true };
/** Its answers; memory is the highest so far, in MiB. */
export type PipeAnswer =
  'ready' | 'produced' | number | readonly number[] | { readonly committed: number; readonly wrong: number };

const [modules = '', databaseUrl = '', natsUrl = '', inserts = '', consumers = '1', others = '0'] =
  process.argv.slice(2);
handling.inserts = inserts === 'inserts';
const transport = natsUrl === '' ? new LocalTransport() : new NatsTransport({ url: natsUrl, namespace: 'pipe' });
const host = await new Host({
  application: pipe({ consumers: Number(consumers), others: Number(others) }),
  modules: modules.split(','),
  transport,
  database: { url: databaseUrl },
}).start();
const answer = (value: PipeAnswer): void => void process.send?.(value);

process.on('message', (order: PipeOrder) => {
  if ('lags' in order) return answer(taken.lags.splice(0));
  if ('memory' in order) return answer(process.resourceUsage().maxRSS / 1_024);
  if ('taken' in order) return answer({ committed: taken.committed, wrong: taken.wrong });
  void host
    .module('source')
    .get(Producer, { strict: false })
    .produce(order.produce)
    .then(() => answer('produced'));
});
process.on('disconnect', () => void host.close().then(() => process.exit()));
answer('ready');
