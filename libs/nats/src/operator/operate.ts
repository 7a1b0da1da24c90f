import { StartupError } from '@fledge/kit/contract';
import type { NatsSettings, NatsVerb, SystemGraph } from '@fledge/kit/transport';
import { connectTo } from '../connection.js';
import { Subjects } from '../subjects.js';
import { processToken } from '../tokens.js';
import { makeKeys, publicKeys, readSeed, seedFileOf } from './keys.js';
import { provision } from './provision.js';
import { natsServerConfig } from './server-config.js';
import { OPERATOR } from './system-graph.js';

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Makes the keys of all users, writes the configuration of the server, or makes the stream and the consumers.
 * @param folder of the seeds of keys.
 * @param again for `provision`: the modules that read the stream again.
 * @returns the text to print.
 * @throws StartupError for missing keys, or a broker that cannot be reached or refuses.
 */
export async function operateNats(
  verb: NatsVerb,
  graph: SystemGraph,
  settings: NatsSettings,
  folder: string,
  again: readonly string[] = [],
): Promise<string> {
  if (verb === 'config') return natsServerConfig(graph, publicKeys(graph, folder));
  if (verb === 'keys') {
    const made = makeKeys(graph, folder);
    return made.length === 0 ? `all keys are in ${folder}\n` : `made the keys of ${made.join(', ')} in ${folder}\n`;
  }
  const { servers, tls, ...limits } = settings;
  if (servers.length === 0)
    throw new StartupError('nats', 'no NATS server is configured', 'Set NATS_URL or `nats.url` of the topology.');
  const quiet = { reconnected: () => undefined, disconnected: () => undefined, publishDenied: () => undefined };
  const connection = await connectTo(
    {
      urls: servers,
      tls,
      credentials: { seed: readSeed(seedFileOf(folder, OPERATOR)) },
      name: `${graph.namespace} operator`,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      inbox: `${new Subjects(graph.namespace).ownInbox(OPERATOR)}.${processToken()}`,
    },
    quiet,
  );
  try {
    return `${(await provision(connection, graph, limits, again)).join('\n')}\n`;
  } finally {
    await connection.close();
  }
}
