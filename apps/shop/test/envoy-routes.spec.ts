import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NATS_SERVER_PINGS } from '@fledge/cli/servers';
import { loadTopology } from '@fledge/kit/operations';
import { parse } from 'yaml';
import { shop } from '../src/modules.js';

interface Match {
  readonly path?: string;
  readonly prefix?: string;
  readonly path_separated_prefix?: string;
}

interface Route {
  readonly match: Match;
  readonly route?: { readonly cluster: string; readonly prefix_rewrite?: string };
}

interface Cluster {
  readonly name: string;
  readonly health_checks?: readonly { readonly http_health_check: { readonly path: string } }[];
  readonly load_assignment: {
    readonly endpoints: readonly {
      readonly lb_endpoints: readonly {
        readonly endpoint: { readonly address: { readonly socket_address: Address } };
      }[];
    }[];
  };
}

interface Address {
  readonly address: string;
  readonly port_value: number;
}

interface HttpFilter {
  readonly name: string;
  readonly typed_config: { readonly cluster_min_healthy_percentages?: Readonly<Record<string, unknown>> };
}

interface Envoy {
  readonly static_resources: {
    readonly listeners: readonly {
      readonly name: string;
      readonly filter_chains: readonly {
        readonly filters: readonly {
          readonly typed_config: {
            readonly http_filters: readonly HttpFilter[];
            readonly route_config: { readonly virtual_hosts: readonly { readonly routes: readonly Route[] }[] };
          };
        }[];
      }[];
    }[];
    readonly clusters: readonly Cluster[];
  };
}

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly environment?: Readonly<Record<string, string>>;
        readonly depends_on?: Readonly<Record<string, unknown>>;
      }
    >
  >;
}

interface Prometheus {
  readonly scrape_configs: readonly {
    readonly dns_sd_configs?: readonly { readonly names: readonly string[]; readonly port: number }[];
  }[];
}

const topology = loadTopology(pathOf('config/split.yaml'), {
  modules: shop.modules.map(({ contract }) => contract.name),
  env: {},
});
const services = topology.services.map((service) => service.name).sort();

describe("the split's files in docker/", () => {
  const envoy = read<Envoy>('docker/envoy/envoy.yaml');
  const manager = envoy.static_resources.listeners.find((listener) => listener.name === 'front-door')?.filter_chains[0]
    ?.filters[0]?.typed_config;
  const routes = manager?.route_config.virtual_hosts.flatMap((host) => host.routes) ?? [];
  const clusters = envoy.static_resources.clusters.filter((cluster) => cluster.name !== 'admin');

  it('Envoy routes what the contracts own, all of it and nothing else, to the service that hosts the module', () => {
    const hosted = shop.modules.flatMap(({ contract }) => {
      const service = topology.services.find((candidate) => candidate.modules.includes(contract.name));
      return contract.routes.map((prefix) => `${prefix} → ${service?.name}`);
    });
    const routed = routes
      .filter(({ match, route }) => match.path_separated_prefix && route)
      .map(({ match, route }) => `${match.path_separated_prefix} → ${route?.cluster}`);
    expect(routed.sort()).toEqual(hosted.sort());
  });

  it('Envoy shows the document of each service under its name', () => {
    const documents = routes
      .filter(({ route }) => route?.prefix_rewrite === '/openapi.json')
      .map(({ match, route }) => `${match.path} → ${route?.cluster}`);
    expect(documents.sort()).toEqual(services.map((service) => `/openapi/${service}.json → ${service}`));
  });

  it('Envoy looks for what nobody owns last, so that it hides no route', () => {
    expect(routes.findIndex(({ match }) => match.prefix === '/')).toBe(routes.length - 1);
  });

  it('Envoy has a cluster for each service, asks it whether it is ready, and is ready itself when all are', () => {
    expect(clusters.map((cluster) => cluster.name).sort()).toEqual(services);
    const readyz = manager?.http_filters.find((filter) => filter.name === 'readyz');
    expect(Object.keys(readyz?.typed_config.cluster_min_healthy_percentages ?? {}).sort()).toEqual(services);
    for (const { name, health_checks, load_assignment } of clusters) {
      expect(health_checks?.map((check) => check.http_health_check.path)).toEqual(['/readyz']);
      const addresses = load_assignment.endpoints.flatMap(({ lb_endpoints }) =>
        lb_endpoints.map(({ endpoint }) => endpoint.address.socket_address),
      );
      expect(addresses).toEqual([{ address: name, port_value: 3000 }]);
    }
  });

  it('compose.yaml runs each service, and starts Envoy after all of them', () => {
    const compose = read<Compose>('docker/compose.yaml');
    const run = Object.entries(compose.services).filter(([, { environment }]) => environment?.FLEDGE_SERVICE);
    expect(
      run
        .map(
          ([name, { environment }]) => `${name} runs ${environment?.FLEDGE_SERVICE} of ${environment?.FLEDGE_TOPOLOGY}`,
        )
        .sort(),
    ).toEqual(services.map((service) => `${service} runs ${service} of config/split.yaml`));
    expect(Object.keys(compose.services.envoy?.depends_on ?? {}).sort()).toEqual(services);
  });

  it('NATS lets go of a silent client as soon as that of `npm start` does', () => {
    const settings = readFileSync(pathOf('docker/nats/nats.conf'), 'utf8');
    for (const line of NATS_SERVER_PINGS.trim().split('\n')) expect(settings).toContain(line);
  });

  it('Prometheus asks each service', () => {
    const asked = read<Prometheus>('docker/prometheus/prometheus.yml').scrape_configs.flatMap(
      (job) => job.dns_sd_configs ?? [],
    );
    expect(asked.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)).sort()).toEqual(
      services.map((service) => `${service}:3000`),
    );
  });
});

function read<T>(path: string): T {
  return parse(readFileSync(pathOf(path), 'utf8'), { merge: true }) as T;
}

function pathOf(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}
