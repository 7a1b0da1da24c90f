import { StartupError } from '../contract/index.js';
import type { NatsSettings, Topology } from '../topology/index.js';
import { ADOPT_VARIABLE, type NatsVerb, type SystemGraph } from '../transport/index.js';
import type { Application } from './application.js';
import { loadModule } from './load-modules.js';

/** The arguments of an application that operates its broker; the options of `fledge nats`. */
export const NATS_OPTIONS = {
  nats: { type: 'string' },
  keys: { type: 'string' },
  again: { type: 'string', multiple: true },
} as const;

/** Those arguments, as they were given. */
export interface NatsValues {
  readonly nats?: string;
  /** The folder of the seeds. Default `.nats`. */
  readonly keys?: string;
  /** The modules that read the stream again. */
  readonly again?: readonly string[];
}

/** What `@fledge/nats` does for an operator. */
export type OperateNats = (
  verb: NatsVerb,
  graph: SystemGraph,
  settings: NatsSettings,
  folder: string,
  again: readonly string[],
) => Promise<string>;

const VERBS: readonly string[] = ['keys', 'config', 'provision'] satisfies NatsVerb[];
const KEYS_FOLDER = '.nats';

/**
 * Makes keys for the broker, its configuration, or its stream and consumers, and prints what was done.
 * @throws StartupError for an unknown verb or module, or a topology without NATS.
 */
export async function operateNats(
  application: Application,
  topology: Topology,
  { nats: verb = '', keys = KEYS_FOLDER, again = [] }: NatsValues,
  load: (file: string) => Promise<{ readonly operate: OperateNats }>,
): Promise<void> {
  if (!VERBS.includes(verb))
    throw new StartupError('nats-verb', `--nats is keys, config or provision, but got '${verb}'`, 'Correct it.');
  if (topology.transport !== 'nats')
    throw new StartupError(
      'nats-transport',
      `${topology.file} uses the transport '${topology.transport}'`,
      'Name a topology with `transport: nats`.',
    );
  const unknown = again.find((module) => application.modules.every(({ contract }) => contract.name !== module));
  if (unknown !== undefined)
    throw new StartupError(
      'unknown-module',
      `the application ${application.name} has no module '${unknown}'`,
      'Name one of its modules after --again.',
    );
  const graph = await systemGraph(application, topology);
  const { operate } = await load(topology.file);
  process.stdout.write(await operate(verb as NatsVerb, graph, topology.nats, keys, again));
}

/** What a topology says of who hosts what. */
export interface OperatedTopology {
  readonly namespace: string;
  /** The name of the deployment that the stream must belong to. Default: it is not checked. */
  readonly deployment?: string | undefined;
  readonly services: SystemGraph['services'];
  readonly nats: Pick<NatsSettings, 'clients'>;
}

/**
 * Reads from the code of all modules, and from a topology, who may talk to whom.
 * @throws StartupError for a module that cannot be loaded.
 */
export async function systemGraph(application: Application, topology: OperatedTopology): Promise<SystemGraph> {
  const uses: Record<string, readonly string[]> = {};
  for (const { contract } of application.modules) {
    const { spec } = await loadModule(application, contract.name);
    uses[contract.name] = spec.uses.map(({ name }) => name);
  }
  return {
    namespace: topology.namespace,
    deployment:
      topology.deployment === undefined ? undefined : { id: topology.deployment, adopts: process.env[ADOPT_VARIABLE] },
    services: topology.services.map(({ name, modules }) => ({ name, modules })),
    uses,
    clients: topology.nats.clients,
  };
}
