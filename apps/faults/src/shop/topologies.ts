/** A way to run the shop in the lab. */
export type TopologyName = 'single' | 'monolith' | 'split' | 'mix';

/** All of them. */
export const TOPOLOGIES: readonly TopologyName[] = ['single', 'monolith', 'split', 'mix'];

/** Whether a topology has a broker, and modules with two replicas. */
export function traitsOf(topology: TopologyName): { readonly hasBroker: boolean; readonly hasPairs: boolean } {
  return { hasBroker: topology === 'split' || topology === 'mix', hasPairs: topology !== 'single' };
}

/** A service of a topology of the lab. */
export interface ServicePlan {
  readonly name: string;
  readonly modules: readonly string[];
  readonly replicas: number;
}

/** In `mix`: which modules are together; a module that is not listed joins the first group. */
const TOGETHER: readonly (readonly [service: string, modules: readonly string[], replicas: number])[] = [
  ['front', ['identity', 'catalog', 'notifications'], 1],
  ['orders', ['ordering', 'payments'], 2],
  ['goods', ['inventory', 'shipping'], 2],
];

/**
 * The services of a topology for the modules that there are: all in one process, which hands messages over without
 * storing them first; all in one process with two replicas; each alone; or some together, with two replicas of what is
 * injured most. Two replicas of each service in a full split would only be slower.
 */
export function servicesOf(topology: TopologyName, modules: readonly string[]): readonly ServicePlan[] {
  if (topology === 'single' || topology === 'monolith')
    return [{ name: 'shop', modules, replicas: topology === 'single' ? 1 : 2 }];
  if (topology === 'split')
    return modules.map((name) => ({
      name,
      modules: [name],
      replicas: name === 'ordering' || name === 'payments' ? 2 : 1,
    }));
  const named = new Set(TOGETHER.flatMap(([, members]) => members));
  return TOGETHER.map(([name, members, replicas], i) => ({
    name,
    modules: modules.filter((module) => members.includes(module) || (i === 0 && !named.has(module))),
    replicas,
  }));
}

/** The content of a topology file besides the services. */
export interface TopologySettings {
  readonly databaseUrl: string;
  /** `undefined`: the transport is `local`. */
  readonly natsUrl: string | undefined;
  readonly namespace: string;
  readonly providerUrl: string;
  readonly webhookSecret: string;
}

/** Short, so that the broker no longer recognises as duplicates what a frozen relay sends when it continues. */
export const DUPLICATE_WINDOW_MS = 1_000;

/** The text of the topology file. Limits are short, so that they expire within a round. */
export function topologyText(services: readonly ServicePlan[], settings: TopologySettings): string {
  const { databaseUrl, natsUrl, namespace } = settings;
  return [
    `namespace: ${namespace}`,
    `transport: ${natsUrl === undefined ? 'local' : 'nats'}`,
    ...(natsUrl === undefined ? [] : [`nats: { url: "${natsUrl}", duplicateWindow: ${DUPLICATE_WINDOW_MS}ms }`]),
    `database: { url: "${databaseUrl}", poolMax: 6 }`,
    'http: { port: 3000 }',
    'drain: { notice: 0s, timeout: 5s }',
    'services:',
    ...services.map(
      ({ name, modules, replicas }) => `  ${name}: { modules: [${modules.join(', ')}], replicas: ${replicas} }`,
    ),
    'settings:',
    ...settingsOf(settings),
    '',
  ].join('\n');
}

function settingsOf({ providerUrl, webhookSecret }: TopologySettings): string[] {
  return [
    '  identity: { demo: true, accessTokenMs: 3600000 }',
    '  catalog: { demo: true }',
    // products receive their stock at the start of a round; demo stock would arrive before or after that
    '  inventory: { demo: false, reservationMs: 45000 }',
    `  payments: { providerUrl: "${providerUrl}", webhookSecret: ${webhookSecret}, providerTimeoutMs: 2500, askedMaxMs: 4000 }`,
    '  shipping: { dispatchAfterMs: 2000, deliverAfterMs: 200 }',
    '  ordering: { paymentTimeoutMs: 30000 }',
  ];
}
