/** A process of the events bench that runs a peer: publishes and handles, on orders from its channel. */
import pg from 'pg';
import type { PipeAnswer, PipeOrder } from '../pipe.main.js';
import { Production } from '../produce.js';
import { Taken } from '../taken.js';
import { PEERS } from './index.js';

const [name = '', databaseUrl = '', redisUrl = '', inserts = ''] = process.argv.slice(2);
const plan = PEERS.find((one) => one.name === name);
if (!plan) throw new Error(`there is no peer '${name}'`);

const taken = new Taken();
const production = new Production();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
if (inserts === 'inserts')
  await pool.query(
    'create table taken (id bigint generated always as identity primary key, topic text not null, number int not null)',
  );

const peer = await plan.open({
  databaseUrl,
  redisUrl,
  handle: async (event) => {
    if (inserts === 'inserts')
      await pool.query({
        name: 'take',
        text: 'insert into taken (topic, number) values ($1, $2)',
        values: [event.topic, event.number],
      });
    taken.add(event);
    taken.commit();
  },
});
const answer = (value: PipeAnswer): void => void process.send?.(value);

process.on('message', (order: PipeOrder) => {
  if ('lags' in order) return answer(taken.lags.splice(0));
  if ('memory' in order) return answer(process.resourceUsage().maxRSS / 1_024);
  if ('taken' in order) return answer({ committed: taken.committed, wrong: taken.wrong });
  void production.run(order.produce, (events) => peer.publish(events)).then(() => answer('produced'));
});
process.on('disconnect', () => void peer.close().then(() => process.exit()));
answer('ready');
