import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Command, Query } from '@nestjs/cqrs';
import { IsDate, IsInt, IsString } from 'class-validator';
import { Type } from 'class-transformer';
import { NatsTransport, type NatsTransportOptions } from '../src/index.js';
import {
  type CallGuard,
  type CallMeter,
  Catalogue,
  type FaultLog,
  ModuleClient,
  ModuleServer,
} from '@fledge/kit/compliance';
import {
  type Class,
  CommandContract,
  ContractError,
  defineContract,
  ErrorContract,
  type Fields,
  QueryContract,
} from '@fledge/kit/contract';
import type { CompiledMessage } from '@fledge/kit/transport';

@ErrorContract('shelf.full.v1', { kind: 'conflict', hint: 'Take something off.' })
export class Full extends ContractError {
  @IsInt() most!: number;
  @IsDate() @Type(() => Date) since!: Date;
  constructor(fields: Fields<Full>) {
    super(`the shelf is full with ${fields.most}`);
    Object.assign(this, fields);
  }
}

/** A query: safe to run twice. */
@QueryContract('shelf.count.v1', { result: Number, deadlineMs: 4_000 })
export class Count extends Query<number> {
  @IsString() of!: string;
  constructor(fields: Fields<Count>) {
    super();
    Object.assign(this, fields);
  }
}

/** A command: not safe to run twice. */
@CommandContract('shelf.put.v1', { result: Number, errors: [Full], deadlineMs: 4_000 })
export class Put extends Command<number> {
  @IsString() what!: string;
  constructor(fields: Fields<Put>) {
    super();
    Object.assign(this, fields);
  }
}

export const ShelfContract = defineContract({ name: 'shelf', queries: [Count], commands: [Put] });

/** What the handlers of a replica do. */
export interface ShelfHandlers {
  readonly count?: (message: Count) => unknown;
  readonly put?: (message: Put) => unknown;
  readonly inFlightMax?: number;
  readonly logFault?: FaultLog;
}

// What is done to the broker here is told in many lines.
Logger.overrideLogger(false);

const unmeasured: CallMeter = { record: () => undefined };

/** Both ways past the NATS client. */
export const WAYS = [
  { name: 'by the inner parts of its client', usesPublicClient: false },
  { name: 'by the public face of its client', usesPublicClient: true },
];

/** Transports on one broker and in one namespace, without Nest; `close` ends them all. */
export class Rig {
  readonly namespace = `rig${randomBytes(5).toString('hex')}`;
  readonly catalogue = new Catalogue([ShelfContract]);
  private readonly transports: NatsTransport[] = [];

  constructor(
    readonly url: string,
    private readonly way: Partial<NatsTransportOptions> = {},
  ) {}

  async transport(options: Partial<NatsTransportOptions> = {}): Promise<NatsTransport> {
    const transport = new NatsTransport({ url: this.url, namespace: this.namespace, ...this.way, ...options });
    await transport.start();
    this.transports.push(transport);
    return transport;
  }

  message(cls: Class): CompiledMessage {
    return this.catalogue.message(cls) as CompiledMessage;
  }

  moduleServer(
    { count = () => 1, put = () => 1, inFlightMax = 100, logFault = () => undefined }: ShelfHandlers,
    callers?: readonly string[],
  ): ModuleServer {
    const moduleServer = new ModuleServer(
      'shelf',
      this.catalogue.of('shelf'),
      { inFlightMax, callerShare: 100 },
      logFault,
      undefined,
      undefined,
      callers && new Set(callers),
    );
    moduleServer.handle(this.message(Count), { execute: (message) => count(message as Count) });
    moduleServer.handle(this.message(Put), { execute: (message) => put(message as Put) });
    return moduleServer;
  }

  /** A replica of the shelf, on a connection of its own. */
  async replica(
    handlers: ShelfHandlers = {},
    options: Partial<NatsTransportOptions> = {},
    callers?: readonly string[],
  ): Promise<{ transport: NatsTransport; moduleServer: ModuleServer }> {
    const transport = await this.transport(options);
    const moduleServer = this.moduleServer(handlers, callers);
    await transport.serve(moduleServer);
    return { transport, moduleServer };
  }

  /** A module `desk` that calls the shelf, on a connection of its own. */
  async caller(options: Partial<NatsTransportOptions> = {}, guard?: CallGuard): Promise<Caller> {
    const transport = await this.transport(options);
    const moduleClient = (cls: Class): ModuleClient => {
      const message = this.message(cls);
      return new ModuleClient('desk', message, transport.sender('desk', message), unmeasured, undefined, guard);
    };
    const [count, put] = [moduleClient(Count), moduleClient(Put)];
    return {
      transport,
      count: (of = 'x') => count.execute(new Count({ of })),
      put: (what = 'x') => put.execute(new Put({ what })),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.transports.splice(0).map((transport) => transport.close()));
  }
}

/** The calling side of a rig. */
export interface Caller {
  readonly transport: NatsTransport;
  count(of?: string): Promise<unknown>;
  put(what?: string): Promise<unknown>;
}

/** The error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<unknown> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`the call did not fail but answered ${String(outcome.value)}`);
  return outcome.error;
}
