import type { Class, Contract, ErrorSpec, MessageSpec } from '../contract/index.js';
import { errorSpec, StartupError } from '../contract/index.js';
import { classCodec, resultCodec, type Codec } from './codec.js';

/** A declared error with its codec. */
export interface CompiledError extends ErrorSpec {
  readonly codec: Codec;
}

/** A command or query as both sides of the boundary use it: compiled once, when the host starts. */
export interface CompiledMessage extends MessageSpec {
  /** The module that answers it. */
  readonly module: string;
  readonly input: Codec;
  readonly output: Codec;
  readonly errorsByName: ReadonlyMap<string, CompiledError>;
}

/**
 * All contracts that an application knows, compiled and checked against each other: two messages, two modules or two
 * overlapping routes of one name stop the start.
 */
export class Catalogue {
  private readonly byClass = new Map<Class, CompiledMessage>();
  private readonly byName = new Map<string, CompiledMessage>();
  private readonly contracts = new Map<string, Contract>();

  constructor(contracts: readonly Contract[]) {
    for (const contract of contracts) this.add(contract);
    refuseSharedRoutes(contracts);
  }

  message(cls: Class): CompiledMessage | undefined {
    return this.byClass.get(cls);
  }

  named(name: string): CompiledMessage | undefined {
    return this.byName.get(name);
  }

  /** The messages that a module answers. */
  of(module: string): readonly CompiledMessage[] {
    return [...this.byName.values()].filter((m) => m.module === module);
  }

  contract(module: string): Contract | undefined {
    return this.contracts.get(module);
  }

  private add(contract: Contract): void {
    if (this.contracts.has(contract.name)) {
      throw new StartupError('module-twice', `two contracts have the name '${contract.name}'`, 'Give each module its own name.');
    }
    this.contracts.set(contract.name, contract);
    for (const spec of contract.messages) {
      const other = this.byName.get(spec.name) ?? this.byClass.get(spec.cls);
      if (other) {
        throw new StartupError('wire-name-twice', `'${spec.name}' is the name of ${other.cls.name} and of ${spec.cls.name}`, 'A wire name belongs to one message: rename one, or raise its version.');
      }
      const compiled = compile(contract.name, spec);
      this.byName.set(spec.name, compiled);
      this.byClass.set(spec.cls, compiled);
    }
  }
}

function compile(module: string, spec: MessageSpec): CompiledMessage {
  const errors = spec.errors.map((cls): [string, CompiledError] => {
    const found = errorSpec(cls) as ErrorSpec;
    return [found.name, { ...found, codec: classCodec(found.name, cls) }];
  });
  return {
    ...spec,
    module,
    input: classCodec(spec.name, spec.cls),
    output: resultCodec(`the result of ${spec.name}`, spec.result),
    errorsByName: new Map(errors),
  };
}

function refuseSharedRoutes(contracts: readonly Contract[]): void {
  const owners = new Map<string, string>();
  for (const contract of contracts) {
    for (const route of contract.routes) {
      const owner = owners.get(route);
      if (owner) throw new StartupError('route-twice', `the route '${route}' is owned by ${owner} and by ${contract.name}`, 'A path prefix belongs to one module.');
      owners.set(route, contract.name);
    }
  }
}
