import { routeKey } from '../contract/index.js';
import type { Named } from './file-facts.js';
import type { Module, SourceFile, Workspace } from './module.js';
import type { BoundaryViolation } from './violation.js';

interface Claim extends Named {
  readonly module: Module;
  readonly source: SourceFile;
}

/** Names that must be unique in an application: a module's name, a message's wire name, a route. */
export function nameRules({ modules }: Workspace): readonly BoundaryViolation[] {
  const claims = (of: (source: SourceFile) => readonly Named[]): readonly Claim[] =>
    modules.flatMap((module) =>
      module.sources
        .filter(({ area }) => area !== 'test')
        .flatMap((source) => of(source).map((named) => ({ ...named, module, source }))),
    );
  return [
    ...twice(
      claims((source) => source.contracts),
      'module-twice',
      (name) => `the name '${name}'`,
      'Give each module its own name: it is also its schema and the first part of its wire names.',
    ),
    ...twice(
      claims((source) => source.wireNames),
      'wire-name-twice',
      (name) => `the wire name '${name}'`,
      'A wire name belongs to one message: rename one, or raise its version.',
    ),
    ...twice(
      claims((source) => source.contracts.flatMap(({ routes }) => routes)),
      'route-twice',
      (name) => `the route '${name}'`,
      'A path prefix belongs to one module: change one.',
      routeKey,
    ),
  ];
}

function twice(
  claims: readonly Claim[],
  rule: BoundaryViolation['rule'],
  describe: (name: string) => string,
  cure: string,
  keyOf = (name: string): string => name,
): readonly BoundaryViolation[] {
  const first = new Map<string, Claim>();
  return claims.flatMap((claim): BoundaryViolation[] => {
    const owner = first.get(keyOf(claim.name));
    if (!owner) {
      first.set(keyOf(claim.name), claim);
      return [];
    }
    return [
      {
        rule,
        source: claim.module.module,
        target: owner.module.module,
        file: claim.source.path,
        line: claim.line,
        subject: claim.name,
        fact: `${claim.module.name} claims ${describe(claim.name)}, which ${owner.source.path}:${owner.line} of ${owner.module.name} has`,
        allowed: 'a name of its own',
        cure,
      },
    ];
  });
}
