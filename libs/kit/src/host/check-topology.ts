import { type LoadOptions, settingsWithSecrets, type Topology, TopologyError } from '../topology/index.js';
import type { Application } from './application.js';
import { checkTransports, knownTransports } from './choose-transport.js';
import { type LoadedModule, loadModules } from './load-modules.js';
import { SettingsError } from './module-settings.js';

/** What a topology file of an application is checked against when it is read. */
export function knownTo(application: Application): LoadOptions {
  return { modules: namesOf(application), transports: knownTransports(application) };
}

/**
 * Loads the code of modules, and checks what a topology sets for them and for its transport. Starts nothing.
 * @param modules default: all of the application.
 * @param settings those of the modules with their secrets. Default: they are read.
 * @throws TopologyError with the positions of wrong settings; otherwise as `loadModules` does.
 */
export async function checkAgainstApplication(
  application: Application,
  topology: Topology,
  modules: readonly string[] = namesOf(application),
  settings: Topology['settings'] = settingsWithSecrets(topology, modules),
): Promise<readonly LoadedModule[]> {
  checkTransports(application, topology);
  const { file, places } = topology;
  try {
    return await loadModules(application, modules, settings);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const nowhere = { line: 0, column: 0 };
    throw new TopologyError(
      file,
      error.problems.map(({ module, key, fact, cure }) => ({
        ...(places.get(`settings.${module}.${key}`) ??
          places.get(`secrets.${module}.${key}`) ??
          places.get(`settings.${module}`) ??
          nowhere),
        fact,
        cure,
      })),
    );
  }
}

/** The names of all modules of an application. */
export function namesOf({ modules }: Application): string[] {
  return modules.map(({ contract }) => contract.name);
}
