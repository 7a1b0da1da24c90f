/**
 * A process that hosts modules of the tea house: `node house.main.js <database> <nats url, or local> <namespace>
 * <module>…`. Sends its port. `DEVTOOLS_PORT` is where the graph of its first module is served, if anywhere.
 */
import 'reflect-metadata';
import { type Application, Host, LocalTransport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { ContextIdFactory } from '@nestjs/core';
import { DevtoolsModule } from '@nestjs/devtools-integration';
import { ByTenant } from './by-tenant.js';
import { house } from './house.js';

const [url = '', natsUrl = '', namespace = '', ...modules] = process.argv.slice(2);
// for all modules of the process, as in any Nest application
ContextIdFactory.apply(new ByTenant());

const port = Number(process.env.DEVTOOLS_PORT);
const inspected: Application = {
  ...house,
  snapshot: port > 0,
  imports: (module) => [
    ...(house.imports?.(module) ?? []),
    ...(port > 0 && module === modules[0] ? [DevtoolsModule.register({ http: true, port })] : []),
  ],
};

const host = await new Host({
  application: inspected,
  modules,
  transport: natsUrl === 'local' ? new LocalTransport() : new NatsTransport({ url: natsUrl, namespace }),
  database: { url },
  http: { port: 0 },
}).start();

process.on('SIGTERM', () => void host.close().then(() => process.exit(0)));
// the test that started this process is gone
process.on('disconnect', () => process.exit(1));
process.send?.({ port: host.port });
