/** A process that hosts both chatter modules, and comes to grief as its order says. */
import 'reflect-metadata';
import { subscribe } from 'node:diagnostics_channel';
import { Host, LocalTransport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { CommandBus } from '@nestjs/cqrs';
import { chatterApplication, Say } from '../../src/compliance/messaging/chatter.js';
import type { ReplicaErrand, ReplicaOrder } from './chatter-replica.js';

const MEASURE_EVERY_MS = 50;

const order = JSON.parse(process.argv[2] ?? '{}') as ReplicaOrder;
const { databaseUrl, natsUrl, namespace, grief } = order;
if (grief) {
  let left = grief.after;
  subscribe(`fledge.messaging.${grief.point}`, () => {
    left -= 1;
    if (left === 0) process.kill(process.pid, grief.signal);
  });
}
let rssMax = 0;
setInterval(() => (rssMax = Math.max(rssMax, process.memoryUsage().rss)), MEASURE_EVERY_MS).unref();
const transport = natsUrl === undefined ? new LocalTransport() : new NatsTransport({ url: natsUrl, namespace });
const host = new Host({
  application: chatterApplication(order.listener ?? 'older'),
  modules: ['talker', 'listener'],
  transport,
  database: { url: databaseUrl },
});
process.on('message', (errand: ReplicaErrand & { readonly id: number }) => {
  const answer = (failure?: string): void => void process.send?.({ id: errand.id, rssMax, failure });
  if (errand.do === 'measure') answer();
  else
    host
      .module('talker')
      .get(CommandBus)
      .execute(new Say({ topic: errand.topic, from: errand.from, count: errand.count }))
      .then(
        () => answer(),
        (error: unknown) => answer(String(error)),
      );
});
process.on('SIGTERM', () => void host.close().then(() => process.exit(0)));
// The test that started this process is gone.
process.on('disconnect', () => process.exit(1));
await host.start();
process.send?.('ready');
