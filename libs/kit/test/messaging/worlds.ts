import { LocalTransport } from '@fledge/kit';
import { NatsTransport } from '@fledge/nats';
import { testNatsUrl } from '@fledge/kit/testing';
import type { MessagingWorld } from '../../src/compliance/messaging/chatter-world.js';
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

/** Every way that messages travel; a new transport joins here. */
export const WORLDS: readonly MessagingWorld[] = [
  ...PROCESS_WORLDS,
  {
    name: 'channel',
    hosts: (namespace) =>
      ['talker', 'listener'].map((module) => ({ modules: [module], transport: channelTransport(namespace) })),
  },
];
