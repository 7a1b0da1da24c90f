import { StartupError } from '../contract/index.js';
import { type KnownTransport, type Service, type Topology, TopologyError } from '../topology/index.js';
import { LocalTransport, NatsTransport, type Transport, type TransportKind } from '../transport/index.js';
import type { Application } from './application.js';
import { checkAgainst } from './module-settings.js';

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
/** Keys that topology files have, and the transports of the kit. */
const TAKEN = ['local', 'nats', 'namespace', 'transport', 'database', 'http', 'drain', 'retention', 'services', 'settings'];

/** The transports of an application's own, for the check of a topology file. @throws StartupError for a name that cannot be. */
export function knownTransports({ name: application, transports = [] }: Application): KnownTransport[] {
  const names = transports.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    const flaw = !NAME.test(name) ? 'which cannot be a name' : TAKEN.includes(name) ? 'which has a meaning in topology files already' : names.indexOf(name) < i ? 'which another one has, too' : undefined;
    if (flaw !== undefined) throw new StartupError('transport-name', `the application ${application} has a transport named '${name}', ${flaw}`, 'Use lower-case letters, digits and hyphens, 40 at most, a letter first, and a name of its own for each.');
  }
  return transports.map(({ name, joinsServices = true }) => ({ name, joinsServices }));
}

/** Checks the settings of all transports of an application's own. @throws TopologyError with the place of each that is wrong. */
export function checkTransports({ transports = [] }: Application, topology: Topology): void {
  for (const kind of transports) settingsOf(kind, topology);
}

/** Makes the transport that a topology names. @throws StartupError when it names no broker. */
export function chooseTransport({ transports = [] }: Application, topology: Topology, service: Service, version: string | undefined): Transport {
  const kind = transports.find(({ name }) => name === topology.transport);
  if (kind) return kind.create(settingsOf(kind, topology), { namespace: topology.namespace, service: service.name, version });
  if (topology.transport === 'local') return new LocalTransport();
  if (topology.nats.servers.length === 0) {
    throw new StartupError('nats', `${topology.file} uses NATS, and no server is named`, 'Set NATS_URL, or start with `fledge start`, which brings a broker along.');
  }
  const { servers, ...limits } = topology.nats;
  return new NatsTransport({ url: servers, log: limits, namespace: topology.namespace, name: service.name, version });
}

function settingsOf({ name, settings }: TransportKind, { file, transports, places }: Topology): object {
  const { instance, problems } = checkAgainst(settings, transports[name] ?? {}, name, name);
  const nowhere = { line: 0, column: 0 };
  if (problems.length > 0) throw new TopologyError(file, problems.map(({ key, fact, cure }) => ({ ...(places.get(`${name}.${key}`) ?? places.get(name) ?? nowhere), fact, cure })));
  return instance ?? {};
}
