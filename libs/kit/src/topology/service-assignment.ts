import { nearest } from './nearest.js';
import { type Entry, Section } from './section.js';
import type { KnownTransport, Service } from './topology.js';
import { count, name, shown } from './values.js';
import type { YamlSource } from './yaml-source.js';

const SERVICES_MAX = 100;
const REPLICAS_MAX = 50;

/** Reads `services`, and checks that every module of the application is in exactly one of them. */
export function assignServices(
  source: YamlSource,
  root: Section,
  transports: readonly KnownTransport[],
  transport: string,
  modules: readonly string[],
): readonly Service[] {
  const section = root.section('services');
  const owners = new Map<string, string>();
  const services = section.entries.map((entry) => readService(source, entry, modules, owners));
  if (services.length === 0) {
    root.add(
      'services',
      "no services: 'services' is missing or empty",
      `Write, for example, services: { all: { modules: [${modules.join(', ')}] } }`,
    );
    return services;
  }
  if (services.length > SERVICES_MAX)
    root.add('services', `${services.length} services`, `A topology has ${SERVICES_MAX} at most`);
  for (const module of modules) {
    if (!owners.has(module))
      root.add('services', `no service hosts the module '${module}'`, "Add it to the 'modules' of a service");
  }
  const said = root.entries.find((entry) => entry.key === 'transport');
  // an invalid transport is already reported
  const isMeant = said === undefined || source.valueOf(said.valueNode) === transport;
  const joining = transports.filter(({ joinsServices }) => joinsServices).map((one) => one.name);
  if (isMeant && !joining.includes(transport) && services.length > 1) {
    root.add(
      said === undefined ? 'services' : 'transport',
      `the transport '${transport}' cannot join ${services.length} services (${services.map((s) => s.name).join(', ')})`,
      `Use ${joining.map((one) => `'transport: ${one}'`).join(' or ')}, or host all modules in one service`,
    );
  }
  // replicas of one process share its database, but each has its own log
  const doubled = services.find(({ replicas }) => replicas > 1);
  if (isMeant && transport !== 'local' && !joining.includes(transport) && doubled) {
    root.add(
      'services',
      `the transport '${transport}' reaches no other process, and the service '${doubled.name}' has ${doubled.replicas} replicas`,
      'Set its replicas to 1, or use another transport',
    );
  }
  return services;
}

function readService(
  source: YamlSource,
  entry: Entry,
  modules: readonly string[],
  owners: Map<string, string>,
): Service {
  const named = name(entry.key, 'the name of a service');
  if (!('value' in named)) source.add(entry.keyNode, named.fact, named.cure);
  const section = new Section(source, `services.${entry.key}`, entry.valueNode);
  const hosted = section.list('modules');
  if (hosted.length === 0)
    source.add(
      entry.keyNode,
      `the service '${entry.key}' hosts no modules`,
      `Name some, as in modules: [${modules[0] ?? ''}], or remove the service`,
    );
  const own = hosted.flatMap(({ node, value }) => {
    const flaw = flawOf(value, modules, owners);
    if (flaw) source.add(node, ...flaw);
    else owners.set(String(value), entry.key);
    return flaw ? [] : [String(value)];
  });
  const replicas = section.read('replicas', count(1, REPLICAS_MAX), 1);
  section.refuseUnknownKeys();
  return { name: entry.key, modules: own, replicas };
}

function flawOf(
  module: unknown,
  modules: readonly string[],
  owners: ReadonlyMap<string, string>,
): readonly [fact: string, cure: string] | undefined {
  if (typeof module !== 'string') return [`a module is ${shown(module)}`, 'Write its name'];
  if (!modules.includes(module)) {
    const guess = nearest(module, modules);
    return [
      `unknown module '${module}'`,
      guess ? `Did you mean '${guess}'?` : `The application has: ${modules.join(', ')}`,
    ];
  }
  const owner = owners.get(module);
  return owner === undefined
    ? undefined
    : [
        `the module '${module}' is hosted by '${owner}' already`,
        'A module belongs to one service; for more copies of it, raise the replicas of that service',
      ];
}
