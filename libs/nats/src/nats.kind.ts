import type { NatsSettings, TransportKind } from '@fledge/kit/transport';
import { NatsTransport } from './nats.transport.js';

/**
 * What the kit loads for `transport: nats`. The settings are the `nats` section of the topology file, which the kit
 * checks.
 */
export const nats: Pick<TransportKind<NatsSettings>, 'name' | 'create'> = {
  name: 'nats',
  create: ({ servers, tls, ...limits }, { namespace, service, version }) =>
    new NatsTransport({ url: servers, tls, log: limits, namespace, name: service, version }),
};
