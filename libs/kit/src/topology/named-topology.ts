import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../contract/index.js';
import { nearest } from './nearest.js';

/** The folder of a project in which its topologies have names: `split` is `config/split.yaml`. */
const CONFIG_FOLDER = 'config';
const ENDING = '.yaml';
/** The name of the topology that is used when none is named. */
export const DEFAULT_TOPOLOGY = 'monolith';

/** Whether a topology is given by the path of its file, and not by its name. */
export function isTopologyPath(topology: string): boolean {
  return /[\\/]|\.ya?ml$/.test(topology);
}

/** The file of a topology with a name, relative to the project's folder; it may not exist. */
export function namedTopologyFile(name: string): string {
  return join(CONFIG_FOLDER, `${name}${ENDING}`);
}

/**
 * The same file, which must exist.
 * @param root the project's folder.
 * @param shown what the error puts before the file. Default: nothing.
 * @throws StartupError with the nearest name if there is no such topology.
 */
export function findNamedTopology(root: string, name: string, shown = ''): string {
  const file = namedTopologyFile(name);
  if (existsSync(join(root, file))) return file;
  const folder = join(root, CONFIG_FOLDER);
  const names = existsSync(folder)
    ? readdirSync(folder).flatMap((other) => (other.endsWith(ENDING) ? other.slice(0, -ENDING.length) : []))
    : [];
  const guess = nearest(name, names);
  throw new StartupError(
    'topology-name',
    `there is no ${join(shown, file)}`,
    guess ? `Did you mean '${guess}'?` : `${CONFIG_FOLDER}/ has: ${names.join(', ') || 'nothing'}.`,
    { names },
  );
}
