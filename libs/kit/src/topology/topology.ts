import { StartupError } from '../contract/index.js';
import { nearest } from './nearest.js';

/** A transport besides `local` and `nats`, as known to the check of a topology file. */
export interface KnownTransport {
  /** The name that the file uses; its settings are under the same key. */
  readonly name: string;
  /** Whether it reaches other processes, so that a topology of several services may use it. */
  readonly joinsServices: boolean;
}

/**
 * Which service hosts which module, over which transport, and how each runs: the content of a topology file, read and
 * checked.
 */
export interface Topology {
  /** The file it was read from, as given. */
  readonly file: string;
  /** First part of every NATS subject; systems that share a broker need different ones. Default `fledge`. */
  readonly namespace: string;
  /** Default `local`, which supports only one service. */
  readonly transport: string;
  /** The settings of the application's own transports, by name; a transport without settings is left out. */
  readonly transports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly nats: NatsSettings;
  readonly database: DatabaseSettings;
  readonly http: HttpSettings;
  readonly drain: DrainSettings;
  readonly retention: RetentionSettings;
  /** In the order of the file; never empty, and each module is in exactly one. */
  readonly services: readonly Service[];
  /** The settings under `settings.<module>`; a module without any is left out. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Positions in the file, by path: `settings.<module>`, `<transport>`, or either followed by `.<key>`. */
  readonly places: ReadonlyMap<string, Place>;
}

/** A place in a file, counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A process that hosts modules. */
export interface Service {
  readonly name: string;
  /** Never empty. */
  readonly modules: readonly string[];
  /** Copies of the process, 1 to 50. Default 1. */
  readonly replicas: number;
}

/** The broker of the transport `nats`. */
export interface NatsSettings {
  /**
   * Servers of one cluster, `nats://host:port` each; in the file, one string with commas. Default: `NATS_URL`. If that
   * is not set either, the list is empty: `fledge start` then starts a broker itself, and a service that is started
   * alone refuses to start.
   */
  readonly servers: readonly string[];
  /** How long the broker keeps messages, in milliseconds, 1 minute to 365 days. Default three days. */
  readonly maxAgeMs: number;
  /**
   * How long the broker detects duplicates of a message by itself, in milliseconds, 100 ms to 1 hour. Default two
   * minutes.
   */
  readonly duplicateWindowMs: number;
  /**
   * Number of servers that must have a message on disk before it counts as stored, 1 to 5. Default: that of the
   * existing stream, or 1 for a new one.
   */
  readonly replicas: number | undefined;
  /** The most bytes that the broker keeps; beyond them the oldest messages go. Default: as the stream is, or no limit. */
  readonly maxBytes: number | undefined;
  /** The largest message that the stream takes, in bytes. Default: as the stream is, or what the server takes. */
  readonly maxMessageBytes: number | undefined;
  /** The seed of this process's nkey. A secret. Default: `seedFile`; without both, what `servers` contain, or nothing. */
  readonly seed: string | undefined;
  /** The file of that seed; `{service}` in it stands for the name of the service. Default none. */
  readonly seedFile: string | undefined;
  /** The clients that are no modules, by name, and the modules that each may call. Default none. */
  readonly clients: Readonly<Record<string, readonly string[]>>;
  /**
   * Whether an operator has made the stream and the consumers by `fledge nats provision`. Services then make nothing on
   * the broker, and every call must name its caller. Default `false`.
   */
  readonly isProvisioned: boolean;
}

/** PostgreSQL. */
export interface DatabaseSettings {
  /** `postgres://user:password@host:port/database`. Default: `DATABASE_URL`, and without it the embedded PostgreSQL. */
  readonly url: string | undefined;
  /** Pool size of each module in each replica, 1 to 100. Default 10. */
  readonly poolMax: number;
}

/** What every service serves over HTTP. */
export interface HttpSettings {
  /** 0 to 65,535; 0 takes any free port. Default 3000. `FLEDGE_PORT`, which `fledge start` sets, overrides the file. */
  readonly port: number;
  /** The address to listen on. Default `127.0.0.1`; a container needs `0.0.0.0`. */
  readonly host: string;
  /** Largest body of a request, in bytes, 1 KiB to 64 MiB. Default 262,144 (256 KiB). */
  readonly bodyMaxBytes: number;
  /** Milliseconds for a request and all its calls, 10 ms to 10 minutes. Default 10,000. */
  readonly requestTimeoutMs: number;
}

/** How long durable messages and processes that have ended are kept. */
export interface RetentionSettings {
  /** Milliseconds for messages that were sent, 1 minute to 365 days. Default three days. */
  readonly sentMs: number;
  /**
   * Milliseconds for messages that were handled; not shorter than `sent`, so that a redelivered message is not handled
   * twice. Default seven days.
   */
  readonly handledMs: number;
  /** Milliseconds for dead letters. Default 90 days. */
  readonly deadLettersMs: number;
  /** Milliseconds for processes that have finished. Default 30 days. */
  readonly processesMs: number;
}

/** How a replica ends. */
export interface DrainSettings {
  /**
   * Milliseconds between 'not ready' and accepting no more connections, so that load balancers notice; 0 to a minute.
   * Default 1,000. `FLEDGE_DRAIN_NOTICE`, which `fledge start --watch` sets, overrides the file.
   */
  readonly noticeMs: number;
  /** Milliseconds for running work to end before it is cut off; 100 ms to 10 minutes. Default 10,000. */
  readonly timeoutMs: number;
}

/**
 * The service with a name; without a name, the only service. Throws a `StartupError` when there is no such service, or
 * when there are several to choose from.
 */
export function serviceNamed(topology: Topology, name?: string): Service {
  const names = topology.services.map((service) => service.name);
  const service =
    name === undefined ? topology.services[0] : topology.services.find((candidate) => candidate.name === name);
  if (name === undefined && names.length > 1) {
    throw new StartupError(
      'service',
      `${topology.file} has ${names.length} services, but none was named`,
      `Name one with --service: ${names.join(', ')}.`,
      { services: names },
    );
  }
  if (service) return service;
  const guess = nearest(name ?? '', names);
  throw new StartupError(
    'service',
    `${topology.file} has no service '${name}'`,
    guess ? `Did you mean '${guess}'?` : `It has: ${names.join(', ')}.`,
    { services: names },
  );
}
