import { LocalTransport } from '@fledge/kit';
import { NatsTransport, provision } from '@fledge/nats';
import { testNatsUrl } from '@fledge/kit/testing';
import type { MessagingWorld } from '../../src/compliance/messaging/chatter-world.js';
import { connect } from '@nats-io/transport-node';
import { channelTransport } from '../channel-transport/index.js';

/** Two hosts that reach each other through a broker. */
export function natsWorld(url: () => string): MessagingWorld {
  return {
    name: 'nats',
    hosts: (namespace) =>
      ['talker', 'listener'].map((module) => ({
        modules: [module],
        transport: new NatsTransport({ url: url(), namespace }),
      })),
  };
}

/** Every way that messages travel between processes, and within one. */
export const PROCESS_WORLDS: readonly MessagingWorld[] = [
  { name: 'local', hosts: () => [{ modules: ['talker', 'listener'], transport: new LocalTransport() }] },
  natsWorld(testNatsUrl),
];

/** A broker whose stream and consumers an operator makes, before the first process of a namespace starts. */
class ProvisionedNats extends NatsTransport {
  constructor(private readonly namespace: string) {
    super({ url: testNatsUrl(), namespace, isProvisioned: true });
  }

  override async start(): Promise<void> {
    const operator = await connect({ servers: testNatsUrl() });
    const services = ['talker', 'listener'].map((name) => ({ name, modules: [name] }));
    const uses = { talker: [], listener: ['talker'] };
    await provision(operator, { namespace: this.namespace, services, uses, clients: {} }, {});
    await operator.close();
    await super.start();
  }
}

/** The same as `natsWorld`, where an operator has made everything on the broker. */
export const PROVISIONED_WORLD: MessagingWorld = {
  name: 'nats, provisioned',
  hosts: (namespace) =>
    ['talker', 'listener'].map((module) => ({ modules: [module], transport: new ProvisionedNats(namespace) })),
};

/** Every way that messages travel; a new transport joins here. */
export const WORLDS: readonly MessagingWorld[] = [
  ...PROCESS_WORLDS,
  PROVISIONED_WORLD,
  {
    name: 'channel',
    hosts: (namespace) =>
      ['talker', 'listener'].map((module) => ({ modules: [module], transport: channelTransport(namespace) })),
  },
];
