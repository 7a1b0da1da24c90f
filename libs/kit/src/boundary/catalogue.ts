import type { Class, Contract, ErrorSpec, EventSpec, MessageSpec } from '../contract/index.js';
import { errorSpec, routeKey, shapeOf, StartupError } from '../contract/index.js';
import { type AccessCheck, compileAccess } from './access.js';
import { classCodec, resultCodec, type Codec } from './codec.js';

/** A declared error with its codec. */
export interface CompiledError extends ErrorSpec {
  readonly codec: Codec;
}

/** A command or query compiled for both sides of the boundary, once, when the host starts. */
export interface CompiledMessage extends MessageSpec {
  /** The module that handles it. */
  readonly module: string;
  readonly input: Codec;
  readonly output: Codec;
  readonly errorsByName: ReadonlyMap<string, CompiledError>;
  /** The compiled `access`; `undefined` if it allows every caller, or there is none. */
  readonly accessCheck?: AccessCheck | undefined;
}

/** An event compiled for its publisher and its consumers, once, when the host starts. */
export interface CompiledEvent extends EventSpec {
  /** The module that publishes it. */
  readonly module: string;
  readonly codec: Codec;
}

/**
 * All contracts that an application knows, compiled and checked against each other: duplicate message or module names
 * and overlapping routes stop the start.
 */
export class Catalogue {
  private readonly byClass = new Map<Class, CompiledMessage>();
  private readonly byName = new Map<string, CompiledMessage>();
  private readonly eventsByClass = new Map<Class, CompiledEvent>();
  private readonly eventsByName = new Map<string, CompiledEvent>();
  private readonly byModule = new Map<string, Contract>();

  constructor(contracts: readonly Contract[]) {
    for (const contract of contracts) this.add(contract);
    refuseSharedRoutes(contracts);
  }

  /** All contracts that it was made of. */
  get contracts(): Iterable<Contract> {
    return this.byModule.values();
  }

  message(cls: Class): CompiledMessage | undefined {
    return this.byClass.get(cls);
  }

  named(name: string): CompiledMessage | undefined {
    return this.byName.get(name);
  }

  event(cls: Class): CompiledEvent | undefined {
    return this.eventsByClass.get(cls);
  }

  /** The event with a wire name. */
  eventNamed(name: string): CompiledEvent | undefined {
    return this.eventsByName.get(name);
  }

  /** The messages that a module handles. */
  of(module: string): readonly CompiledMessage[] {
    return [...this.byName.values()].filter((m) => m.module === module);
  }

  contract(module: string): Contract | undefined {
    return this.byModule.get(module);
  }

  private add(contract: Contract): void {
    if (this.byModule.has(contract.name)) {
      throw new StartupError(
        'module-twice',
        `two contracts have the name '${contract.name}'`,
        'Give each module its own name.',
      );
    }
    this.byModule.set(contract.name, contract);
    for (const spec of contract.messages) {
      const other = this.byName.get(spec.name) ?? this.byClass.get(spec.cls);
      if (other) {
        throw new StartupError(
          'wire-name-twice',
          `'${spec.name}' is the wire name of both ${other.cls.name} and ${spec.cls.name}`,
          'A wire name belongs to one message: rename one, or raise its version.',
        );
      }
      const compiled = compile(contract.name, spec);
      this.byName.set(spec.name, compiled);
      this.byClass.set(spec.cls, compiled);
    }
    for (const spec of contract.events) this.addEvent(contract.name, spec);
  }

  private addEvent(module: string, spec: EventSpec): void {
    const other = this.eventsByClass.get(spec.cls) ?? this.eventsByName.get(spec.name) ?? this.byName.get(spec.name);
    if (other) {
      throw new StartupError(
        'wire-name-twice',
        `'${spec.name}' is the wire name of both ${other.cls.name} and ${spec.cls.name}`,
        'A wire name belongs to one message: rename one, or raise its version.',
      );
    }
    const compiled = { ...spec, module, codec: classCodec(spec.name, spec.cls, spec.unknownFields) };
    refuseKey(compiled);
    this.eventsByClass.set(spec.cls, compiled);
    this.eventsByName.set(spec.name, compiled);
  }
}

/**
 * The key of an event orders its deliveries and is a column of tables, so it must be a string that is always present.
 */
function refuseKey({ name, cls, key }: EventSpec): void {
  const field = shapeOf(cls).fields.find((candidate) => candidate.name === key);
  if (field?.kind === 'string' && !field.list && !field.optional && !field.conditional) return;
  throw new StartupError(
    'event-key',
    `the event '${name}' is ordered by its field '${key}', which ${field ? 'may be missing or is not a string' : 'it does not have'}`,
    `Name a field of ${cls.name} that is a string and not optional, such as an id.`,
  );
}

function compile(module: string, spec: MessageSpec): CompiledMessage {
  const errors = spec.errors.map((cls): [string, CompiledError] => {
    const found = errorSpec(cls) as ErrorSpec;
    return [found.name, { ...found, codec: classCodec(found.name, cls, spec.unknownFields) }];
  });
  return {
    ...spec,
    module,
    input: classCodec(spec.name, spec.cls, spec.unknownFields),
    output: resultCodec(`the result of ${spec.name}`, spec.result, spec.unknownFields),
    errorsByName: new Map(errors),
    accessCheck: compileAccess(spec.access),
  };
}

function refuseSharedRoutes(contracts: readonly Contract[]): void {
  const owners = new Map<string, string>();
  for (const contract of contracts) {
    for (const route of contract.routes) {
      const owner = owners.get(routeKey(route));
      if (owner)
        throw new StartupError(
          'route-twice',
          `the route '${route}' is owned by ${owner} and by ${contract.name}`,
          'A path prefix belongs to one module.',
        );
      owners.set(routeKey(route), contract.name);
    }
  }
}
