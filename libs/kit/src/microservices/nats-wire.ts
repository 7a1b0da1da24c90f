import { NatsRecord } from '@nestjs/microservices';
import { Catalogue, type CompiledError } from '../boundary/index.js';
import { type Contract, type Class, InvalidMessage, messageSpec, StartupError } from '../contract/index.js';
import { errorOf } from '../transport/index.js';
import { CannotEmit, EMIT_HINTS, PlainAnswer } from './errors.js';
import { headersOf } from './nats-record.js';
import { isPatternName, patternName } from './pattern-message.js';

/** Options of `fledgeOverNats`. */
export interface FledgeOverNatsOptions {
  /**
   * The contracts that the client calls: their results and errors arrive as instances of their classes. Default none:
   * a result is plain JSON, and an error of a contract is a `RemoteError`.
   */
  readonly contracts?: readonly Contract[];
  /** Milliseconds for each call; it can only shorten what the contract allows. Default: as the contract says. */
  readonly deadlineMs?: number;
}

/** Options for `Transport.NATS` of the stock `ClientsModule`. */
export interface FledgeOverNats {
  readonly serializer: FledgeSerializer;
  readonly deserializer: FledgeDeserializer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Lets the stock NATS client of Nest call modules: `ClientsModule.register([{ name: 'STOCK', transport: Transport.NATS,
 * options: { servers, ...fledgeOverNats({ contracts: [InventoryContract] }) } }])`. Patterns are the subjects that
 * `subjectOf` and `patternSubjectOf` name.
 */
export function fledgeOverNats({ contracts = [], deadlineMs }: FledgeOverNatsOptions = {}): FledgeOverNats {
  if (deadlineMs !== undefined && !(deadlineMs > 0))
    throw new StartupError(
      'client-deadline',
      `fledgeOverNats has a deadlineMs of ${deadlineMs}`,
      'Use milliseconds above 0, or leave it out for what the contracts say.',
    );
  return {
    serializer: new FledgeSerializer(contracts),
    deserializer: new FledgeDeserializer(contracts),
    // merged by Nest into the headers of each message
    headers: {
      'Fledge-Reply': 'nest',
      ...(deadlineMs !== undefined && { 'Fledge-Left-Ms': String(Math.round(deadlineMs)) }),
    },
  };
}

/**
 * The subject of a command or query: `shop.inventory.reserve-stock.v1.reporting`.
 * @param message its class, or its wire name.
 * @param caller the name of the client, one of `nats.clients` in the topology. Default: the subject names none, which a
 * topology with `nats.provisioned` refuses.
 */
export function subjectOf(namespace: string, message: Class | string, caller?: string): string {
  const name = typeof message === 'string' ? message : messageSpec(message)?.name;
  if (name !== undefined) return caller === undefined ? `${namespace}.${name}` : `${namespace}.${name}.${caller}`;
  throw new StartupError(
    'no-subject',
    `${(message as Class).name} is not the class of a command or a query`,
    'Give it a class with @CommandContract or @QueryContract, or a wire name.',
  );
}

/**
 * The subject at which a module with a `FledgeStrategy` answers a pattern: `shop.inventory._pattern.stock.count`.
 * @param caller as for `subjectOf`.
 */
export function patternSubjectOf(namespace: string, module: string, pattern: string, caller?: string): string {
  const subject = `${namespace}.${patternName(module, pattern)}`;
  return caller === undefined ? subject : `${subject}.${caller}`;
}

/** What the stock client gives to its serializer; for `emit`, it has no id. */
export interface RequestPacket {
  readonly pattern: unknown;
  readonly data: unknown;
  readonly id?: string;
  readonly metadata?: unknown;
}

/** Translates what the stock client sends into messages of modules. `fledgeOverNats` creates it. */
export class FledgeSerializer {
  private readonly catalogue: Catalogue;

  /** @param contracts those that the client calls. */
  constructor(contracts: readonly Contract[] = []) {
    this.catalogue = new Catalogue(contracts);
  }

  /**
   * @throws InvalidMessage for a message of `contracts` that does not fit, CannotEmit for one that is emitted: then
   * nothing is sent.
   */
  serialize(packet: RequestPacket): { readonly data: string; readonly headers: unknown } {
    const record = packet.data instanceof NatsRecord ? (packet.data as NatsRecord<unknown, unknown>) : undefined;
    const data = record ? record.data : packet.data;
    const name = nameIn(packet.pattern);
    if (isPatternName(name)) {
      const headers = record && headersOf(record);
      return { data: JSON.stringify({ data, headers, metadata: packet.metadata }), headers: record?.headers };
    }
    if (packet.id === undefined) throw new CannotEmit(name, EMIT_HINTS.message);
    const message = this.catalogue.named(name);
    // plain fields are checked where they arrive
    const isOf = message !== undefined && data instanceof message.cls;
    return { data: JSON.stringify(isOf ? message.input.copy(data) : data), headers: record?.headers };
  }
}

/** Translates the answers of modules for the stock client. `fledgeOverNats` creates it. */
export class FledgeDeserializer {
  private readonly catalogue: Catalogue;
  private readonly errors: ReadonlyMap<string, CompiledError>;

  /** @param contracts those that the client calls. */
  constructor(contracts: readonly Contract[] = []) {
    this.catalogue = new Catalogue(contracts);
    this.errors = new Map(
      contracts.flatMap(({ name }) => this.catalogue.of(name).flatMap((message) => [...message.errorsByName])),
    );
  }

  /** @param answer a message of the NATS client (Nest 12), or its bytes (Nest 11). */
  deserialize(answer: Uint8Array | { readonly data: Uint8Array }): ReplyPacket {
    const packet: unknown = JSON.parse(Buffer.from(answer instanceof Uint8Array ? answer : answer.data).toString());
    if (!isPacket(packet)) return failed(new PlainAnswer());
    const { err, response, isDisposed, status } = packet;
    if (err !== undefined) return failed(isFailure(err) ? errorOf(err, this.errors) : err);
    if (status === undefined) return { ...NOTHING, response, isDisposed };
    // the answer of a handler of a pattern is a packet itself
    if (isPatternName(status)) return isPacket(response) ? { ...NOTHING, ...response } : failed(new PlainAnswer());
    try {
      const value = this.catalogue.named(status)?.output.decode(response) ?? response;
      return { ...NOTHING, response: value, isDisposed };
    } catch (error) {
      // of a version of the contract that this client does not know
      if (error instanceof InvalidMessage) return failed(error);
      throw error;
    }
  }
}

/** A packet of Nest. Without an id, Nest does not compare it; its type asks for one. */
export interface ReplyPacket {
  readonly id: string;
  readonly err: unknown;
  readonly response: unknown;
  readonly isDisposed: boolean;
}

const NOTHING: ReplyPacket = { id: '', err: undefined, response: undefined, isDisposed: true };

function failed(err: unknown): ReplyPacket {
  return { ...NOTHING, err };
}

/** A wire name, before the caller. */
const WIRE_NAME = /^[a-z][^.]*\.[a-z][^.]*\.v\d+(?=\.)/;

/** The wire name in a subject: what follows the namespace, without the caller. */
function nameIn(subject: unknown): string {
  const name = typeof subject === 'string' ? subject.slice(subject.indexOf('.') + 1) : '';
  return WIRE_NAME.exec(name)?.[0] ?? name;
}

function isPacket(
  value: unknown,
): value is { err?: unknown; response?: unknown; readonly isDisposed: boolean; status?: string } {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'isDisposed') === 'boolean';
}

/** Whether an error is a failure that a module reports itself; any other error is from a pattern handler. */
function isFailure(err: unknown): boolean {
  const { code, kind, outcome } = (err ?? {}) as Readonly<Record<string, unknown>>;
  return typeof code === 'string' && typeof kind === 'string' && typeof outcome === 'string';
}
