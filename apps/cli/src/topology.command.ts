import type { Topology } from '@fledge/kit/operations';
import { usageError } from './command.js';
import { checkTopology, findProject, type ModuleInfo, readTopology, topologyFile } from './project.js';

/** `fledge topology <topology>`: checks the whole file, and prints which service hosts what. */
export async function topology(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || rest.length > 0) throw usageError('fledge topology <topology>', 'it takes one topology');
  const project = findProject();
  const file = topologyFile(project, name);
  process.chdir(project.root);
  const [{ modules, topology: read }] = await Promise.all([readTopology(project, file), checkTopology(project, file)]);
  process.stdout.write(describe(read, modules));
  return 0;
}

/** Describes a topology for a person. */
export function describe(topology: Topology, modules: readonly ModuleInfo[]): string {
  const rows = topology.services.map((service) => [
    service.name,
    service.replicas === 1 ? '1 replica' : `${service.replicas} replicas`,
    service.modules.join(', '),
    modules
      .filter((module) => service.modules.includes(module.name))
      .flatMap((module) => module.routes)
      .join(' '),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd(),
  );
  const count = topology.services.length === 1 ? '1 service' : `${topology.services.length} services`;
  return [`${topology.file} is sound: ${count}, transport ${topology.transport}`, ...lines, ''].join('\n');
}
