import { importOf, type Module, type SourceFile, type Workspace } from './module.js';
import type { Named } from './file-facts.js';
import { isModuleList } from './folder-imports.js';
import type { BoundaryViolation } from './violation.js';

/** A dependency of one module on another, and where it is stated. */
interface Edge {
  readonly to: Module;
  readonly file: string;
  readonly line: number;
  /** Whether `uses` declares it, rather than only an import. */
  readonly isDeclared: boolean;
  /** Whether anything but the contract object itself is imported. */
  readonly isUsed: boolean;
}

/**
 * `uses` names exactly the modules whose contracts are imported, and no module depends on itself through others. Type
 * imports count as dependencies. Imports of tests do not: a test may know neighbours that its module does not.
 */
export function usesRules(workspace: Workspace): readonly BoundaryViolation[] {
  const graph = new Map(workspace.modules.map((module) => [module, edgesOf(workspace, module)]));
  return [
    ...workspace.modules.flatMap((module) => matchUses(workspace, module, graph.get(module) ?? [])),
    ...cycles(graph),
  ];
}

function edgesOf(workspace: Workspace, module: Module): readonly Edge[] {
  const edges = new Map<Module, Edge>();
  const declared = new Map<string, { source: SourceFile; named: Named }>();
  for (const source of module.sources)
    for (const { uses = [] } of source.bounded)
      for (const named of uses) declared.set(`${source.path} ${named.name}`, { source, named });
  const owner = (source: SourceFile, specifier: string): Module | undefined => {
    const target = workspace.targetOf(source, specifier);
    const other = target && workspace.moduleOf(target.package);
    // another rule reports imports of another module's internals
    return other && target.key === './contract' && other.name !== module.name && source.area !== 'test'
      ? other
      : undefined;
  };
  for (const source of module.sources) {
    if (module.isFolder && isModuleList(module, source)) continue;
    for (const { specifier, names, line } of source.imports) {
      const other = owner(source, specifier);
      if (!other) continue;
      const before = edges.get(other);
      const isUsed = names.length === 0 || names.some((name) => !declared.has(`${source.path} ${name}`));
      edges.set(other, {
        to: other,
        file: before?.file ?? source.path,
        line: before?.line ?? line,
        isDeclared: false,
        isUsed: isUsed || before?.isUsed === true,
      });
    }
  }
  for (const { source, named } of declared.values()) {
    const specifier = importOf(source, named.name)?.specifier;
    const other = specifier === undefined ? undefined : owner(source, specifier);
    if (other)
      edges.set(other, {
        to: other,
        file: source.path,
        line: named.line,
        isDeclared: true,
        isUsed: edges.get(other)?.isUsed ?? false,
      });
  }
  return [...edges.values()];
}

function matchUses(workspace: Workspace, module: Module, edges: readonly Edge[]): readonly BoundaryViolation[] {
  const unreadable = module.sources.flatMap((source) =>
    source.bounded.filter(({ uses }) => uses === undefined).map(({ line }) => ({ source, line })),
  );
  if (unreadable.length > 0) {
    return unreadable.map(({ source, line }) => ({
      rule: 'uses-unreadable',
      source: module.module,
      target: module.module,
      file: source.path,
      line,
      fact: `\`uses\` of ${module.module} is no plain list of imported contracts, so it cannot be checked`,
      allowed: '`uses: [CatalogContract, InventoryContract]`',
      cure: 'List the contracts literally.',
    }));
  }
  return edges.flatMap((edge) => mismatch(module, edge) ?? []);
}

function mismatch(module: Module, { to, file, line, isDeclared, isUsed }: Edge): BoundaryViolation | undefined {
  const at = { source: module.module, target: to.module, file, line };
  if (!isDeclared) {
    return {
      ...at,
      rule: 'uses-missing',
      fact: `${module.module} imports '${to.name}/contract', and its \`uses\` does not name the contract of ${to.module}`,
      allowed: 'the contracts that `uses` names',
      cure: `Add the contract of ${to.module} to \`uses\` of ${module.module}'s @BoundedModule, if it may depend on it.`,
    };
  }
  if (isUsed) return undefined;
  return {
    ...at,
    rule: 'uses-superfluous',
    fact: `\`uses\` of ${module.module} names the contract of ${to.module}, of which nothing is imported`,
    allowed: 'the contracts that are imported from',
    cure: `Remove it from \`uses\`, and its import.`,
  };
}

/** One violation for each cycle of modules: the shortest cycle from its first module by name. */
function cycles(graph: ReadonlyMap<Module, readonly Edge[]>): readonly BoundaryViolation[] {
  const told = new Set<Module>();
  const found: BoundaryViolation[] = [];
  for (const module of [...graph.keys()].sort((a, b) => a.module.localeCompare(b.module))) {
    if (told.has(module)) continue;
    const path = wayBack(graph, module);
    const [first] = path;
    if (!first) continue;
    for (const { to } of path) told.add(to);
    const round = [module, ...path.map(({ to }) => to)].map((m) => m.module).join(' → ');
    found.push({
      rule: 'cycle',
      source: module.module,
      target: first.to.module,
      file: first.file,
      line: first.line,
      subject: round,
      fact: `the modules depend on each other in a round: ${round}`,
      allowed: 'dependencies in one direction',
      cure: `Cut one: let one side publish an event that the other reacts to, or move what both need into a separate module. The imports are ${path.map(({ file, line }) => `${file}:${line}`).join(', ')}.`,
    });
  }
  return found;
}

/** The shortest path from a module back to itself; empty if there is none. */
function wayBack(graph: ReadonlyMap<Module, readonly Edge[]>, start: Module): readonly Edge[] {
  const seen = new Set<Module>();
  let ways: (readonly Edge[])[] = (graph.get(start) ?? []).map((edge) => [edge]);
  while (ways.length > 0) {
    const home = ways.find((way) => way.at(-1)?.to === start);
    if (home) return home;
    ways = ways.flatMap((way) => {
      const at = way.at(-1)?.to;
      if (!at || seen.has(at)) return [];
      seen.add(at);
      return (graph.get(at) ?? []).map((edge) => [...way, edge]);
    });
  }
  return [];
}
