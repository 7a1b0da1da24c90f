import type { Server } from 'node:http';
import type { InjectionToken, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Chain, InjectOptions, Response } from 'light-my-request';
import { boundedModuleSpec } from '../bus/index.js';
import { type Contract, StartupError } from '../contract/index.js';
import type { Host } from '../host/index.js';
import type { HttpListener } from '../http/index.js';
import { serviceNamed, type Topology } from '../topology/index.js';
import { WITHIN_DEFAULT_MS } from './eventually.js';
import { injector } from './injector.js';
import { noServer, withServer } from './nest-testing.js';
import { untilQuiescent } from './quiescence.js';

/** A module, by its class, its contract or its name. */
export type ModuleName = Type | Contract | string;

/** A service of an application under test. */
export interface TestedService {
  readonly name: string;
  readonly modules: readonly string[];
  /** Its own address: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Its own server, which serves only the routes of its modules. @throws StartupError if they have none. */
  getHttpServer(): Server;
}

/** A service that was started. */
export interface StartedService {
  readonly name: string;
  readonly contracts: readonly Contract[];
  readonly host: Host;
  readonly listener: HttpListener;
}

/** What an application under test consists of. */
export interface TestedParts {
  readonly name: string;
  readonly topology: Topology;
  readonly services: readonly StartedService[];
  /** Serves the routes of all services. */
  readonly front: HttpListener;
  readonly port: number;
  readonly databaseUrl: string | undefined;
  /** The names of the modules that have tables. */
  readonly withTables: readonly string[];
  readonly release: () => Promise<void>;
}

const INSTEAD =
  'Use the server of the whole application: `getHttpServer()` of what testApplication(…).start() returns.';

/** A whole application, running for a test: all services of its topology, behind one address. */
export class TestedApplication {
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(private readonly parts: TestedParts) {}

  /** The address of all routes, in every topology: `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://127.0.0.1:${this.parts.port}`;
  }

  /** The topology in which it runs, with the database and the broker of the test. */
  get topology(): Topology {
    return this.parts.topology;
  }

  /** PostgreSQL, as the owner: each module has a schema with its name. `undefined` if no module has tables. */
  get databaseUrl(): string | undefined {
    return this.parts.databaseUrl;
  }

  /** The server of all routes, listening, as supertest wants it: `request(app.getHttpServer())`. */
  getHttpServer(): Server {
    return this.parts.front.server;
  }

  /**
   * Begins a request without a socket, as `inject()` of Fastify does.
   * @throws StartupError where its `light-my-request` cannot be loaded, as in jest on Node before 24.9.
   */
  inject(): Chain;
  /** Answers a request without a socket, as `inject({ method, url, payload })` of Fastify does. */
  inject(request: InjectOptions | string): Promise<Response>;
  inject(request?: InjectOptions | string): Chain | Promise<Response> {
    const { front } = this.parts;
    const inject = injector();
    const handle: Parameters<typeof inject>[0] = (incoming, response) => front.handle(incoming, response);
    // with undefined in their place it would look for options
    return request === undefined ? inject(handle) : inject(handle, request);
  }

  /**
   * A provider from anywhere in a module: `app.get(StockModule, getRepositoryToken(Level))`.
   * @throws StartupError for a module that the application does not have; as Nest does, for a provider.
   */
  get<T = unknown>(module: ModuleName, token: InjectionToken<T>): T {
    return this.module(module).get<T>(token as Type<T>, { strict: false });
  }

  /**
   * The Nest application of a module. Its `getHttpServer()` serves the routes of that module alone, and fails if it has
   * none.
   * @throws StartupError for a module that the application does not have.
   */
  module(module: ModuleName): NestFastifyApplication {
    const name = nameOf(module);
    const { services } = this.parts;
    for (const { contracts, host } of services) {
      const contract = contracts.find((candidate) => candidate.name === name);
      if (contract) return withServer(host.module(name) as NestFastifyApplication, contract, INSTEAD);
    }
    const known = services.flatMap(({ contracts }) => contracts.map((contract) => contract.name));
    throw new StartupError(
      'unknown-module',
      `the application ${this.parts.name} has no module '${name}'`,
      `It has: ${known.join(', ')}.`,
    );
  }

  /** A service of the topology. @throws StartupError if it has none of that name. */
  service(name: string): TestedService {
    const { modules } = serviceNamed(this.parts.topology, name);
    const { contracts, host, listener } = this.parts.services.find((one) => one.name === name) as StartedService;
    return {
      name,
      modules,
      url: `http://127.0.0.1:${host.port}`,
      getHttpServer: () => {
        if (contracts.every(({ routes }) => routes.length === 0)) throw noServer(`the service ${name}`, INSTEAD);
        return listener.server;
      },
    };
  }

  /**
   * Waits until all consumers have handled every event and durable command, also those that handlers published. Timers
   * of processes do not count before they are due.
   * @param withinMs default 5,000.
   * @throws an `Error` at once if a message became a dead letter, with the reason; and after `withinMs`, with the
   * messages that are still to be handled.
   */
  async untilQuiet(withinMs: number = WITHIN_DEFAULT_MS): Promise<void> {
    const { databaseUrl, withTables } = this.parts;
    if (databaseUrl !== undefined) await untilQuiescent(databaseUrl, withTables, withinMs);
  }

  /** Drains and stops all services, and drops what was created for the test. May be called twice. */
  close(): Promise<void> {
    return (this.closing ??= this.parts.release());
  }
}

function nameOf(module: ModuleName): string {
  if (typeof module === 'string') return module;
  if (typeof module !== 'function') return module.name;
  const spec = boundedModuleSpec(module);
  if (spec) return spec.contract.name;
  throw new StartupError(
    'not-bounded',
    `${module.name} has no @BoundedModule, so it is no module of the application`,
    'Name the bounded module that imports it: get() finds its providers from there.',
  );
}
