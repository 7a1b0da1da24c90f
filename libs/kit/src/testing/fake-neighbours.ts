import {
  Call,
  encodeError,
  type Catalogue,
  type CompiledMessage,
  currentContext,
  ModuleServer,
  outcomeOf,
} from '../boundary/index.js';
import type { BoundedModuleSpec } from '../bus/index.js';
import {
  CALL_LIMITS_DEFAULT,
  CallCancelled,
  type Class,
  type Contract,
  DeadlineExceeded,
  type FledgeError,
  ModuleFault,
  ModuleUnavailable,
  SigningKeys,
  StartupError,
} from '../contract/index.js';
import { describeRefusal, FakeBreach } from './fake-breach.js';
import { Fake } from './fake.js';
import type { TestIssuer } from './test-issuer.js';

/**
 * The neighbours of a module under test, served on the real transport with the handlers of the fakes. Records what was
 * sent to them, and how they violated their contracts.
 */
export class FakeNeighbours {
  private readonly fakes: ReadonlyMap<string, Fake>;
  private readonly sent = new Map<Class, object[]>();
  private breaches: FakeBreach[] = [];

  constructor(
    private readonly spec: BoundedModuleSpec,
    fakes: readonly Fake[],
    private readonly issuer: TestIssuer,
  ) {
    for (const { contract } of fakes) this.refuseStranger(contract);
    this.fakes = new Map(spec.uses.map((contract) => [contract.name, joined(contract, fakes)]));
  }

  /** A module server for each contract that the module uses. */
  moduleServers(catalogue: Catalogue): ModuleServer[] {
    return this.spec.uses.map(({ name }) => {
      // Violations of a contract by a fake are recorded as breaches: there is no log to lose them in.
      const moduleServer = new ModuleServer(name, catalogue.of(name), CALL_LIMITS_DEFAULT, () => undefined);
      for (const message of moduleServer.messages)
        moduleServer.handle(message, { execute: (input) => this.answer(message, input) });
      return moduleServer;
    });
  }

  /** Copies of the sent instances of a message, in order. */
  calls<M extends object>(message: Class<M>): readonly M[] {
    if (!this.spec.uses.some((contract) => contract.messages.some((known) => known.cls === message))) {
      throw new StartupError(
        'fake-message',
        `${message.name} belongs to no contract that ${this.spec.contract.name} uses, so it is never sent`,
        `It uses: ${this.spec.uses.map((contract) => contract.name).join(', ') || 'none'}.`,
      );
    }
    return [...(this.sent.get(message) ?? [])] as M[];
  }

  /** Forgets what was sent. */
  forget(): void {
    this.sent.clear();
  }

  /** Throws the contract violations of the fakes since the last call, if there are any. */
  verify(): void {
    const [first, ...more] = this.breaches;
    this.breaches = [];
    if (first === undefined) return;
    throw more.length === 0
      ? first
      : new AggregateError([first, ...more], [first, ...more].map((breach) => breach.message).join('\n'));
  }

  private async answer(message: CompiledMessage, input: object): Promise<unknown> {
    const copy = message.input.copy(input) as object;
    this.keep(message, copy);
    const handler = this.fakes.get(message.module)?.handlerOf(message.cls) ?? this.standIn(message);
    if (handler === undefined) throw this.breach(missing(message));
    let result: unknown;
    try {
      result = await handler(input);
    } catch (error) {
      throw this.checkedError(message, error);
    }
    try {
      message.output.copy(result);
    } catch (refused) {
      const { text, violations } = describeRefusal(refused);
      const fact = `the fake of ${message.module} answered '${message.name}' with a result that violates its contract: ${text}`;
      throw this.breach(
        new FakeBreach(message.module, message.name, fact, 'Return what the real module returns.', violations, refused),
      );
    }
    return result;
  }

  private keep(message: CompiledMessage, copy: object): void {
    const sent = this.sent.get(message.cls);
    if (sent) sent.push(copy);
    else this.sent.set(message.cls, [copy]);
  }

  /** The keys for the tokens of the test's own callers, if the module asks a neighbour for them. */
  private standIn(message: CompiledMessage): (() => unknown) | undefined {
    return message.result === SigningKeys ? () => this.issuer.keys() : undefined;
  }

  private checkedError(message: CompiledMessage, error: unknown): unknown {
    if (isLostPeer(error)) return brought(error);
    if (encodeError(message, error) !== undefined) return error;
    const declared = [...message.errorsByName.values()].map(({ cls }) => cls.name).join(', ') || 'none';
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const fact = `the fake of ${message.module} threw an error that '${message.name}' does not declare, or whose fields do not fit: ${what}`;
    const hint = `Throw a declared error with its fields (declared: ${declared}), or, to simulate a lost peer, a ModuleUnavailable, DeadlineExceeded or ModuleFault.`;
    return this.breach(new FakeBreach(message.module, message.name, fact, hint, [], error));
  }

  /** Records a breach for the test, and shows it to the module under test in place of an answer. */
  private breach(breach: FakeBreach): FakeBreach {
    this.breaches.push(breach);
    return brought(breach);
  }

  private refuseStranger(contract: Contract): void {
    if (this.spec.uses.includes(contract)) return;
    throw new StartupError(
      'fake-stranger',
      `there is a fake of ${contract.name}, which ${this.spec.contract.name} does not use`,
      `Remove it, or add the contract to \`uses\`: ${this.spec.uses.map(({ name }) => name).join(', ') || 'none'}.`,
    );
  }
}

type LostPeer = ModuleUnavailable | DeadlineExceeded | ModuleFault | CallCancelled;

function isLostPeer(error: unknown): error is LostPeer {
  return (
    error instanceof ModuleUnavailable ||
    error instanceof DeadlineExceeded ||
    error instanceof ModuleFault ||
    error instanceof CallCancelled
  );
}

/** Ends the current call as a transport would, with an error that no handler can send through a boundary. */
function brought<E extends FledgeError>(error: E): E {
  const call = currentContext();
  if (call instanceof Call) call.fail(error, outcomeOf(error));
  return error;
}

/** Merges the fakes of one contract; with two, it would be unclear which one answers. */
function joined(contract: Contract, fakes: readonly Fake[]): Fake {
  const [fake, other] = fakes.filter((each) => each.contract === contract);
  if (other)
    throw new StartupError(
      'fake-twice',
      `there are two fakes of ${contract.name}`,
      'Use one fake for all messages: fake(…).on(…).on(…).',
    );
  return fake ?? new Fake(contract);
}

function missing({ module, name, cls }: CompiledMessage): FakeBreach {
  return new FakeBreach(
    module,
    name,
    `'${name}' was sent to ${module}, but no fake answers it`,
    `Add a handler: fakes: [fake(…).on(${cls.name}, (message) => …)].`,
  );
}
