import { Logger } from '@nestjs/common';
import type { Command, Query } from '@nestjs/cqrs';
import { ClientProxy, NatsRecord, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import {
  CallContext,
  Catalogue,
  type CompiledMessage,
  currentContext,
  ModuleClient,
  now,
  runInContext,
  type TraceContext,
  traceOf,
} from '../boundary/index.js';
import { type Class, type Contract, eventSpec, messageSpec, StartupError } from '../contract/index.js';
import { CALLS_MODULES, type CallingModule, type CallTransport } from '../transport/index.js';
import { CannotEmit, EMIT_HINTS, UnknownTarget } from './errors.js';
import { headersOf } from './nats-record.js';
import { jsonOf, type PatternAnswer, type PatternCall, patternMessage } from './pattern-message.js';

/** Options of a `FledgeClient`. */
export interface FledgeClientOptions {
  /** The module whose `@MessagePattern` and `@EventPattern` handlers it calls. Default: only messages of contracts. */
  readonly module?: string;
  /** Milliseconds for each call; it can only shorten what the contract allows. Default: as the contract says. */
  readonly deadlineMs?: number;
  /**
   * For an application without modules: the transport to the modules, such as a `NatsTransport`. The client starts and
   * closes it. Default: that of the host, for the module into which the client is injected.
   */
  readonly transport?: CallTransport;
  /**
   * With `transport`: the name as which it calls, one of `nats.clients` in the topology of the modules. Default `nats`.
   */
  readonly caller?: string;
  /** With `transport`: the contracts whose messages it calls. Default: none. */
  readonly contracts?: readonly Contract[];
}

/** The caller's name, as modules see it, of an application without modules. */
const OUTSIDE = 'nats';

const logger = new Logger('patterns');

/**
 * Calls modules as a `ClientProxy` of Nest: `ClientsModule.register([{ name: 'STOCK', customClass: FledgeClient,
 * options: { module: 'inventory' } }])`. `send` takes the class of a command or query, or its wire name, and its
 * fields; any other pattern calls a handler of `options.module`. Calls have deadlines, share one inbox subscription
 * over NATS, and fail with instances of the error classes of contracts and of the kit. Unsubscribing cancels a call.
 *
 * Inside a module the rules of its buses hold: it may call only the modules of its `uses`, and not while a transaction
 * is open.
 */
export class FledgeClient extends ClientProxy {
  /** By the caller: Nest gives one client to all modules that import the same dynamic module. */
  private readonly ports = new Map<string, Port>();
  private starting: Promise<void> | undefined;

  constructor(private readonly options: FledgeClientOptions = {}) {
    super();
    const { deadlineMs } = options;
    if (deadlineMs !== undefined && !(deadlineMs > 0))
      throw new StartupError(
        'client-deadline',
        `a FledgeClient has a deadlineMs of ${deadlineMs}`,
        'Use milliseconds above 0, or leave it out for what the contracts say.',
      );
  }

  /** As a `ModuleCaller`. @internal */
  [CALLS_MODULES](port: CallingModule): void {
    // a later host of this process replaces an earlier one
    if (this.options.transport === undefined) this.ports.set(port.caller, new Port(port));
  }

  /** Starts the client's own transport, if it has one. `send` and `emit` do this by themselves. */
  async connect(): Promise<void> {
    const { transport, contracts = [], caller = OUTSIDE } = this.options;
    if (transport === undefined) return;
    this.starting ??= transport.start().then(
      () => void this.ports.set(caller, new Port(outside(caller, transport, contracts))),
      (error: unknown) => {
        this.starting = undefined;
        throw error;
      },
    );
    await this.starting;
  }

  /** Closes the client's own transport, which ends running calls. Does nothing inside a module. */
  async close(): Promise<void> {
    if (this.options.transport === undefined || this.starting === undefined) return;
    // each call has been told why the transport did not start
    await this.starting.catch(() => undefined);
    this.starting = undefined;
    this.ports.clear();
    await this.options.transport.close();
  }

  /**
   * Calls a command or query. The observable emits its result (`undefined` for none) and completes.
   * @param message the class of the message.
   * @param fields an instance of it, or its fields.
   */
  override send<R>(message: abstract new (...args: never[]) => Command<R> | Query<R>, fields: object): Observable<R>;
  /**
   * Calls the message of a contract with this wire name, or else the handler of this pattern. If a handler returns
   * nothing, the observable completes without a value, as with any transport of Nest.
   */
  override send<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult>;
  override send(pattern: unknown, data: unknown): Observable<unknown> {
    return super.send(pattern, data);
  }

  /** The client's own transport; `undefined` inside a module. */
  unwrap<T>(): T {
    return this.options.transport as T;
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const context = this.contextOf(packet);
    this.call(packet, context).then(
      ({ err, response, isContract }) => {
        if (err !== undefined) return callback({ err });
        // the result of a contract's message is emitted also if it is undefined
        if (isContract) callback({ response });
        callback({ response: isContract ? undefined : response, isDisposed: true });
      },
      (err: unknown) => callback({ err }),
    );
    return () => context.cancel();
  }

  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    try {
      const name = contractName(packet.pattern, this.portFor(packet).calling.catalogue);
      if (name !== undefined) throw new CannotEmit(name, EMIT_HINTS[isEvent(packet.pattern) ? 'event' : 'message']);
      await this.call(packet, this.contextOf(packet));
    } catch (error) {
      // often nobody subscribes to what emit() returns
      logger.warn(`the event ${textOf(packet.pattern)} was not delivered: ${String(error)}`);
      throw error;
    }
    return undefined as T;
  }

  private async call(packet: ReadPacket, context: SendContext): Promise<Answer> {
    const port = this.portFor(packet);
    const message = contractMessage(packet.pattern, port.calling.catalogue);
    if (message !== undefined) {
      const response = await this.execute(port, message, instanceOf(message, packet.data), context);
      return { response, err: undefined, isContract: true };
    }
    const pattern = this.patternOf(packet);
    const answer = await this.execute(port, pattern, patternCall(packet), context);
    const { response, err } = answer as PatternAnswer;
    return { response, err, isContract: false };
  }

  private execute(port: Port, message: CompiledMessage, input: object, context: SendContext): Promise<unknown> {
    const client = port.clientOf(message);
    return runInContext(context, () => client.execute(input));
  }

  /** The calling module: the only one that has this client, or the one whose work runs. */
  private portFor({ pattern }: ReadPacket): Port {
    if (this.ports.size === 0)
      throw new UnknownTarget(
        'a FledgeClient is used that belongs to no bounded module of a running host',
        'Provide it by ClientsModule in the `imports` of a bounded module; in another application give it a `transport`, such as new NatsTransport({ url, namespace }).',
        textOf(pattern),
      );
    const [only] = this.ports.values();
    const port = this.ports.size === 1 ? only : this.ports.get(currentContext()?.module ?? '');
    if (port !== undefined) return port;
    throw new UnknownTarget(
      `a FledgeClient that ${[...this.ports.keys()].join(' and ')} share is used outside of a request or a call, so that nobody knows which of them calls`,
      'Give each module its own: register it in its `imports`, not in a module that both import.',
      textOf(pattern),
    );
  }

  private patternOf({ pattern }: ReadPacket): CompiledMessage {
    const name = typeof pattern === 'function' ? contractName(pattern, undefined) : undefined;
    if (name !== undefined || typeof pattern === 'function')
      throw new UnknownTarget(
        `a FledgeClient was given ${name === undefined ? 'a class that is no message' : `'${name}', which is no message of a contract that it knows`}`,
        'Send a command or query of a contract: inside a module of one in its `uses`, outside of one in the `contracts` of the client.',
        textOf(pattern),
      );
    const { module } = this.options;
    if (module === undefined)
      throw new UnknownTarget(
        `a FledgeClient was given the pattern ${textOf(pattern)}, which is no wire name that it knows`,
        "Give it the module that answers the pattern, as in options: { module: 'inventory' }.",
        textOf(pattern),
      );
    return patternMessage(module, this.normalizePattern(pattern as string));
  }

  private contextOf(packet: ReadPacket): SendContext {
    const { metadata = {} } = packet as { metadata?: Readonly<Record<string, string>> };
    return new SendContext(currentContext(), this.options.deadlineMs, traceOf(metadata));
  }
}

/** How one module calls, and the clients of what it has called. */
class Port {
  private readonly clients = new Map<CompiledMessage, ModuleClient>();

  constructor(readonly calling: CallingModule) {}

  clientOf(message: CompiledMessage): ModuleClient {
    let client = this.clients.get(message);
    if (client === undefined) this.clients.set(message, (client = this.calling.clientOf(message)));
    return client;
  }
}

interface Answer {
  readonly response: unknown;
  readonly err: unknown;
  readonly isContract: boolean;
}

/** The context of one `send`: that of the caller, which unsubscribing ends for this call alone. */
class SendContext extends CallContext {
  constructor(
    private readonly outer: CallContext | undefined,
    deadlineMs: number | undefined,
    trace: string | TraceContext | undefined,
  ) {
    super(
      outer?.module ?? 'job',
      outer?.caller ?? 'job',
      Math.min(outer?.deadlineAt ?? Infinity, deadlineMs === undefined ? Infinity : now() + deadlineMs),
      outer?.identity,
      trace ?? outer?.trace,
      outer?.idempotencyKey,
      outer?.values,
      outer?.onBehalfOf,
    );
    this.transaction = outer?.transaction;
    this.openByHand = outer?.openByHand ?? 0;
    if (outer?.cancelled) super.cancel();
  }

  override get outermost(): CallContext {
    return this.outer?.outermost ?? this;
  }

  override hold(dependant: Parameters<CallContext['hold']>[0]): void {
    this.outer?.hold(dependant);
    super.hold(dependant);
  }

  override release(dependant: Parameters<CallContext['release']>[0]): void {
    this.outer?.release(dependant);
    super.release(dependant);
  }

  override noteEffect(): void {
    this.outer?.noteEffect();
  }

  override rejected(reason: unknown): boolean {
    return this.outer?.rejected(reason) ?? false;
  }
}

function outside(caller: string, transport: CallTransport, contracts: readonly Contract[]): CallingModule {
  return {
    caller,
    catalogue: new Catalogue(contracts),
    clientOf: (message) =>
      new ModuleClient(caller, message, transport.sender(caller, message), { record: () => undefined }),
  };
}

function contractMessage(pattern: unknown, catalogue: Catalogue): CompiledMessage | undefined {
  if (typeof pattern === 'function') return catalogue.message(pattern as unknown as Class);
  return typeof pattern === 'string' ? catalogue.named(pattern) : undefined;
}

/** The wire name of a contract's message, also if the client does not know the contract. */
function contractName(pattern: unknown, catalogue: Catalogue | undefined): string | undefined {
  if (typeof pattern === 'string') return catalogue?.named(pattern)?.name;
  if (typeof pattern !== 'function') return undefined;
  return (messageSpec(pattern as unknown as Class) ?? eventSpec(pattern as unknown as Class))?.name;
}

function isEvent(pattern: unknown): boolean {
  return typeof pattern === 'function' && eventSpec(pattern as unknown as Class) !== undefined;
}

/** Fields become an instance, as a bus would be given; the boundary checks them. */
function instanceOf({ cls }: CompiledMessage, data: unknown): object {
  if (typeof data !== 'object' || data === null || data instanceof cls) return data as object;
  return Object.assign(Object.create(cls.prototype as object) as object, data);
}

function patternCall({ data, ...packet }: ReadPacket): PatternCall {
  const { metadata } = packet as { metadata?: unknown };
  const record = data instanceof NatsRecord ? (data as NatsRecord<unknown, unknown>) : undefined;
  const headers = record && headersOf(record);
  return {
    data: jsonOf(record ? record.data : data),
    ...(headers && { headers }),
    ...(metadata !== undefined && { metadata: jsonOf(metadata) }),
  };
}

function textOf(pattern: unknown): string {
  return typeof pattern === 'function'
    ? pattern.name
    : typeof pattern === 'string'
      ? `'${pattern}'`
      : JSON.stringify(pattern);
}
