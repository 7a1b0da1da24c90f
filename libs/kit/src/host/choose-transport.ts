import { StartupError } from '../contract/index.js';
import {
  type KnownTransport,
  type NatsSettings,
  type Service,
  type Topology,
  TopologyError,
  type TopologyProblem,
} from '../topology/index.js';
import { LocalTransport, type Transport, type TransportKind, type TransportPlace } from '../transport/index.js';
import type { Application } from './application.js';
import type { OperateNats } from './operate-nats.js';
import { checkAgainst } from './module-settings.js';

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const NAMING =
  'Use at most 40 lower-case letters, digits and hyphens, starting with a letter, and a different name for each transport.';
/** Keys of topology files, and the kit's own transports. */
const TAKEN = [
  'local',
  'nats',
  'namespace',
  'deployment',
  'transport',
  'database',
  'http',
  'drain',
  'retention',
  'trust',
  'services',
  'settings',
  'secrets',
  'production',
];

/**
 * The application's own transports, as the check of a topology file needs them. @throws StartupError for a name that
 * cannot be used.
 */
export function knownTransports({ name: application, transports = [] }: Application): KnownTransport[] {
  const names = transports.map(({ name }) => name);
  for (const [i, name] of names.entries()) {
    const flaw = !NAME.test(name)
      ? 'which cannot be a name'
      : TAKEN.includes(name)
        ? 'which already has a meaning in topology files'
        : names.indexOf(name) < i
          ? 'which another transport already has'
          : undefined;
    if (flaw !== undefined)
      throw new StartupError(
        'transport-name',
        `the application ${application} has a transport named '${name}', ${flaw}`,
        NAMING,
      );
  }
  return transports.map(({ name, joinsServices = true }) => ({ name, joinsServices }));
}

/**
 * Checks the settings of the application's own transports that the file selects or has settings for. @throws
 * TopologyError with the position of each wrong setting.
 */
export function checkTransports({ transports = [] }: Application, topology: Topology): void {
  const problems = transports
    .filter(({ name }) => name === topology.transport || topology.transports[name] !== undefined)
    .flatMap((kind) => read(kind, topology).problems);
  if (problems.length > 0) throw new TopologyError(topology.file, problems);
}

/**
 * Creates the transport that a topology selects. Its settings must have been checked.
 * @throws StartupError if it uses NATS and names no server, or `@fledge/nats` is not installed.
 */
export async function chooseTransport(
  { transports = [] }: Application,
  topology: Topology,
  service: Service,
  version: string | undefined,
): Promise<Transport> {
  const kind = transports.find(({ name }) => name === topology.transport);
  const place: TransportPlace = { namespace: topology.namespace, service: service.name, version };
  if (kind) return named(kind.name, kind.create(read(kind, topology).settings, place));
  if (topology.transport === 'local') return new LocalTransport();
  if (topology.nats.servers.length === 0) {
    throw new StartupError(
      'nats',
      `${topology.file} uses NATS, but no server is configured`,
      'Set NATS_URL, or start with `fledge start`, which starts a broker.',
    );
  }
  return (await loadNats(topology.file)).create(topology.nats, place);
}

/** The NATS transport, whose settings the kit has already checked. */
type NatsKind = Pick<TransportKind<NatsSettings>, 'create'> & { readonly operate: OperateNats };

/** In a variable, so that the kit compiles and starts without this package. */
const NATS_PACKAGE: string = '@fledge/nats';

/** Loads `@fledge/nats`; `file` is for messages. @throws StartupError if it is not installed. */
export async function loadNats(file: string): Promise<NatsKind> {
  try {
    return ((await import(NATS_PACKAGE)) as { readonly nats: NatsKind }).nats;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${NATS_PACKAGE}'`)) throw error;
    throw new StartupError(
      'nats-package',
      `${file} uses NATS, but ${NATS_PACKAGE} is not installed`,
      `Install it beside the kit: npm install ${NATS_PACKAGE}`,
    );
  }
}

/** Checks the names: outboxes record by name which log took a message. */
function named(name: string, transport: Transport): Transport {
  for (const own of [transport.name, transport.messageLog.name]) {
    if (own !== name)
      throw new StartupError(
        'transport-name',
        `the transport '${name}' calls itself or its log '${own}'`,
        'Give the transport, its log and its entry in `transports` the same name.',
      );
  }
  return transport;
}

function read(
  { name, settings }: TransportKind,
  { transports, places }: Topology,
): { readonly settings: object; readonly problems: readonly TopologyProblem[] } {
  const { instance, problems } = checkAgainst(settings, transports[name] ?? {}, name, name);
  const nowhere = { line: 0, column: 0 };
  return {
    settings: instance ?? {},
    problems: problems.map(({ key, fact, cure }) => ({
      ...(places.get(`${name}.${key}`) ?? places.get(name) ?? nowhere),
      fact,
      cure,
    })),
  };
}
