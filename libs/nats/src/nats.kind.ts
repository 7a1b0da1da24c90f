import type { NatsSettings, TransportKind } from '@fledge/kit/transport';
import { NatsTransport } from './nats.transport.js';
import { readSeed } from './operator/keys.js';
import { operateNats } from './operator/operate.js';

/** What the kit loads for `transport: nats`. */
export interface NatsKind extends Pick<TransportKind<NatsSettings>, 'name' | 'create'> {
  /** What `fledge nats` does. */
  readonly operate: typeof operateNats;
}

/**
 * The transport of a topology with `transport: nats`. The settings are the `nats` section of the topology file, which
 * the kit checks.
 */
export const nats: NatsKind = {
  name: 'nats',
  create: ({ servers, tls, seed, seedFile, clients, isProvisioned, ...limits }, { namespace, service, version }) => {
    const own = seed ?? (seedFile && readSeed(seedFile.replaceAll('{service}', service)));
    return new NatsTransport({
      url: servers,
      tls,
      log: limits,
      namespace,
      name: service,
      service,
      version,
      clients: Object.keys(clients),
      isProvisioned,
      ...(own !== undefined && { credentials: { seed: own } }),
    });
  },
  operate: operateNats,
};
