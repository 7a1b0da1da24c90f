/**
 * A process that hosts modules of the law's application over NATS: `node law-host.main.js <nats url> <namespace>
 * <module>…`.
 */
import 'reflect-metadata';
import { Host } from '../../src/host/index.js';
import type { TrustOptions } from '../../src/security/index.js';
import { NatsTransport } from '@fledge/nats';
import { LAW_CALLS, lawApplication } from '../../src/compliance/law/application.js';

const [url = '', namespace = '', ...modules] = process.argv.slice(2);
const host = await new Host({
  application: lawApplication,
  modules,
  transport: new NatsTransport({ url, namespace }),
  calls: LAW_CALLS,
  trust: process.env.LAW_TRUST === undefined ? undefined : (JSON.parse(process.env.LAW_TRUST) as TrustOptions),
}).start();

const stop = (): void => void host.close().then(() => process.exit(0));
process.on('SIGTERM', stop);
// The test that started this process is gone.
process.on('disconnect', () => process.exit(1));
process.send?.('ready');
