import { isPortFree, StartupError } from '@fledge/kit/operations';
import { INSPECT_HOST } from './replica.js';

/** The port that Node and its tools use. */
export const INSPECT_PORT_DEFAULT = 9229;
const PORT_MAX = 65_535;

/** A free port for each name, counted upward from `first`. @throws StartupError if there are too few. */
export async function inspectPorts(first: number, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for (let port = first; ports.size < names.length; port++) {
    if (port > PORT_MAX)
      throw new StartupError(
        'ports',
        `there are not ${names.length} free ports from ${first} on for inspectors`,
        `Use a lower one: --inspect=${INSPECT_PORT_DEFAULT}.`,
      );
    if (await isPortFree(port, INSPECT_HOST)) ports.set(names[ports.size] ?? '', port);
  }
  return ports;
}
