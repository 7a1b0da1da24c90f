import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Logger } from '@nestjs/common';
import { StartupError } from '@fledge/kit/contract';
import {
  CALLER,
  type CompiledMessage,
  type ModuleServer,
  now,
  type Send,
  type TlsFiles,
  type Transport,
} from '@fledge/kit/transport';
import { type ClientRules, UNNAMED_CALLER } from './callers.js';
import type { NatsCredentials } from './connection.js';
import { JetStreamMessageLog } from './jetstream/jetstream.message-log.js';
import type { LogLimits } from './jetstream/log-limits.js';
import { Requests } from './requests.js';
import { Responder } from './responder.js';
import { ServiceProtocol } from './service-protocol.js';
import { Subjects } from './subjects.js';
import { openWire } from './open-wire.js';
import { processToken } from './tokens.js';
import type { Wire } from './wire.js';

const logger = new Logger('nats');

/** How to connect to the broker, and with what identity. */
export interface NatsTransportOptions {
  /** One or more servers of one cluster, e.g. `nats://127.0.0.1:4222`; it may contain a user and password. */
  readonly url: string | readonly string[];
  /**
   * Keeps two systems apart on one broker; the first part of every subject. Letters, digits, `-` and `_`, 40 at most.
   */
  readonly namespace: string;
  /** The time limit of each step of `start`: connecting, and getting an answer. In milliseconds; default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * The service of this process, or the name of a client that is no module: permissions of the broker name it. Lower-case
   * letters, digits and hyphens, 40 at most. Default `nats`.
   */
  readonly service?: string;
  /**
   * The names of clients that are no modules and may call those served here; a call names its caller in its subject.
   * Default none.
   */
  readonly clients?: readonly string[];
  /**
   * Whether an operator has made the stream and the consumers (`fledge nats provision`), which this process then only
   * reads. Each call and each durable command must name its caller in its subject. Default `false`: the process makes
   * the stream itself, and the caller of a call without one is `nats`.
   */
  readonly isProvisioned?: boolean;
  /** Names this process in the broker's monitoring. Default: the host's name and the process id. */
  readonly name?: string;
  /** Unique to this replica among those of its modules; letters, digits, `-` and `_`. Default: a random one. */
  readonly replica?: string;
  /** Semantic version of the deployment, shown by `nats micro`. Default `0.0.0`. */
  readonly version?: string;
  readonly credentials?: NatsCredentials;
  /**
   * Files for TLS, PEM each, read again at each connection: the authority of the servers, and for mutual TLS this
   * client's certificate and key. Default: TLS only if a URL begins with `tls://`, with the authorities of the system.
   */
  readonly tls?: TlsFiles | undefined;
  /** Limits of the messages that the broker keeps. */
  readonly log?: LogLimits;
  /**
   * Whether calls use only the public API of the NATS client, which is slower. Default `false`; it is used
   * automatically with an unknown release of the client.
   */
  readonly usesPublicClient?: boolean;
}

const CONNECT_TIMEOUT_DEFAULT_MS = 5_000;
/** How often slow events are checked: silent calls, long work, a lost connection. */
const BEAT_MS = 100;
const REPLICA = /^[\w-]{1,64}$/;
const SEMVER = /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/;

/**
 * Calls between processes, over NATS (2.10 or newer). Any NATS client can call a module too: `nats req
 * shop.catalog.get-products.v1 '{"ids":["…"]}'`, or with its name at the end of the subject.
 *
 * If no replica is subscribed, a call fails at once with `ModuleUnavailable`. If a replica dies, a message that may run
 * twice (a query, a command with an idempotency key) is sent to another replica, at most twice; any other call ends by
 * its deadline with the outcome `unknown`. A call waits up to a second for a lost connection to return.
 */
export class NatsTransport implements Transport {
  readonly name = 'nats';
  readonly messageLog: JetStreamMessageLog;
  private readonly subjects: Subjects;
  private readonly replica: string;
  private readonly version: string;
  private readonly rules: ClientRules;
  private readonly served: { readonly responder: Responder; readonly protocol: ServiceProtocol }[] = [];
  private wire: Wire | undefined;
  private requests: Requests | undefined;
  private beat: NodeJS.Timeout | undefined;

  constructor(private readonly options: NatsTransportOptions) {
    this.subjects = new Subjects(options.namespace);
    const { clients = [], isProvisioned = false } = options;
    this.messageLog = new JetStreamMessageLog(options.namespace, options.log, isProvisioned);
    this.rules = { clients: new Set(clients), requiresCaller: isProvisioned };
    this.replica = options.replica ?? randomUUID();
    this.version = options.version ?? '0.0.0';
    if (!REPLICA.test(this.replica))
      throw new StartupError(
        'replica',
        `'${this.replica}' is not a valid replica name`,
        'Use at most 64 letters, digits, hyphens and underscores.',
      );
    if (!CALLER.test(options.service ?? UNNAMED_CALLER))
      throw new StartupError(
        'nats-service',
        `'${options.service}' is not a valid name of a service`,
        'Use at most 40 lower-case letters, digits and hyphens, starting with a letter.',
      );
    if (!SEMVER.test(this.version))
      throw new StartupError('version', `'${this.version}' is not a semantic version`, "Write it as in '1.4.0'.");
  }
  async start(): Promise<void> {
    const { url, credentials, tls, connectTimeoutMs = CONNECT_TIMEOUT_DEFAULT_MS } = this.options;
    const urls = typeof url === 'string' ? [url] : url;
    const name = this.options.name ?? `${this.options.namespace} ${hostname()} ${process.pid}`;
    const inbox = `${this.subjects.ownInbox(this.options.service ?? UNNAMED_CALLER)}.${processToken()}`;
    const { wire, connection } = await openWire(
      { urls, credentials, tls, name, connectTimeoutMs, inbox },
      {
        reconnected: () => this.onReconnected(),
        disconnected: () => this.messageLog.disconnected(),
        publishDenied: (subject) => this.requests?.publishDenied(subject),
      },
      this.options.usesPublicClient ?? false,
    );
    this.wire = wire;
    this.requests = new Requests(wire, this.subjects);
    this.messageLog.open(connection);
    this.messageLog.watch(() => this.isConnected());
    this.beat = setInterval(() => this.onBeat(), BEAT_MS).unref();
  }

  isConnected(): boolean {
    return this.wire?.isConnected ?? false;
  }

  async serve(moduleServer: ModuleServer): Promise<void> {
    const wire = this.started(this.wire);
    const responder = new Responder(wire, this.subjects, moduleServer, this.rules);
    const protocol = new ServiceProtocol(wire, this.announcement(moduleServer.module), responder.endpoints);
    let denied: Error | undefined;
    responder.open((error) => (denied = error));
    protocol.open();
    this.served.push({ responder, protocol });
    // When the flush returns, the server has accepted the subscriptions or reported that it refuses them.
    await wire.flush();
    if (denied)
      throw new StartupError(
        'nats-permissions',
        `NATS does not allow ${moduleServer.module} to answer calls: ${denied.message}`,
        `Allow the user to subscribe to '${this.subjects.module(moduleServer.module)}' in the queue '${moduleServer.module}'; 'fledge nats config' generates the permissions of every service.`,
      );
    const unanswered = this.requests?.denied;
    if (unanswered)
      throw new StartupError(
        'nats-permissions',
        `NATS does not allow ${unanswered.caller} to receive the answers to its calls: ${unanswered.error.message}`,
        `Allow the user to subscribe to '${this.subjects.inbox(unanswered.caller)}.>'; 'fledge nats config' generates the permissions of every service.`,
      );
  }

  sender(caller: string, message: CompiledMessage): Send {
    return this.started(this.requests).sender(caller, message);
  }

  async drain(): Promise<void> {
    await Promise.all(
      this.served.map(async ({ responder, protocol }) => Promise.all([protocol.drain(), responder.drain()])),
    );
    await this.flushed();
  }

  async close(): Promise<void> {
    clearInterval(this.beat);
    await this.requests?.close();
    await this.flushed();
    await this.wire?.close();
  }

  private onReconnected(): void {
    this.requests?.reconnected();
    this.messageLog.reconnected();
  }

  private onBeat(): void {
    const at = now();
    this.requests?.beat(at);
    for (const { responder } of this.served) responder.beat(at);
  }

  /** Sends what is left, without waiting for a server that is unreachable. */
  private async flushed(): Promise<void> {
    if (!this.wire?.isConnected) return;
    try {
      await this.wire.flush();
    } catch (error) {
      logger.warn(`NATS went away before all was sent: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private announcement(module: string): ConstructorParameters<typeof ServiceProtocol>[1] {
    const { namespace } = this.subjects;
    return {
      name: module,
      id: this.replica,
      version: this.version,
      description: `The module ${module} of ${namespace}.`,
      metadata: { namespace, kit: 'fledge' },
      queueGroup: module,
    };
  }

  private started<T>(part: T | undefined): T {
    if (part === undefined)
      throw new StartupError(
        'nats-not-started',
        'the NATS transport is used before it was started',
        'Await `start()` first.',
      );
    return part;
  }
}
