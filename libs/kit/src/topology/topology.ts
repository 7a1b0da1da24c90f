import { type CallLimitsByModule, StartupError } from '../contract/index.js';
import type { TlsFiles } from '../tls/index.js';
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
  /** Names this deployment in its database and its broker. Default: they are not checked. */
  readonly deployment: string | undefined;
  /** Default `local`, which supports only one service. */
  readonly transport: string;
  /** The settings of the application's own transports, by name; a transport without settings is left out. */
  readonly transports: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly nats: NatsSettings;
  readonly database: DatabaseSettings;
  readonly http: HttpSettings;
  readonly drain: DrainSettings;
  /** What calls between modules may take. */
  readonly calls: CallLimitsByModule;
  readonly retention: RetentionSettings;
  readonly trust: TrustSettings;
  /** In the order of the file; never empty, and each module is in exactly one. */
  readonly services: readonly Service[];
  /** The settings under `settings.<module>`; a module without any is left out. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Where the secrets under `secrets.<module>` are; they become settings of the module in the processes that host it. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, SecretSource>>>>;
  readonly production: ProductionSettings;
  /**
   * Positions in the file, by path: `settings.<module>`, `<transport>`, or either followed by `.<key>`;
   * `secrets.<module>.<key>`, `database.modules.<module>`.
   */
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
  /**
   * Files for TLS, read again at each connection: the authority of the servers, and for mutual TLS this client's
   * certificate and key. Default: those of `NATS_CA`, `NATS_CERT` and `NATS_KEY`; without them, TLS only if a URL
   * begins with `tls://`, with the authorities of the system.
   */
  readonly tls: TlsFiles | undefined;
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

/** Where a secret is: an environment variable, or a file whose last line break does not count. */
export type SecretSource = { readonly env: string } | { readonly file: string };

/** What a process with `NODE_ENV=production` accepts. */
export interface ProductionSettings {
  /** Names of findings that do not keep it from starting. Default: none. */
  readonly allow: readonly string[];
}

/** PostgreSQL. */
export interface DatabaseSettings {
  /**
   * `postgres://user:password@host:port/database`. Default: `DATABASE_URL`, and without it the embedded PostgreSQL. With
   * `tls`, it has the parameters for it: `sslmode=verify-full&sslrootcert=…`.
   */
  readonly url: string | undefined;
  /**
   * Files for TLS, read again at each connection, which verifies the server's certificate and name. Default: what the
   * URL says.
   */
  readonly tls: TlsFiles | undefined;
  /**
   * URLs of modules that have one of their own, with a user who has rights in that module's schema alone; a URL, or where
   * it is. Default: none, so that all use `url`.
   */
  readonly modules: Readonly<Record<string, string | SecretSource>>;
  /**
   * Whether the host makes logins for each module with the rights of `url`, or all modules work as its user with their
   * roles assumed. Default: `own` on the embedded PostgreSQL, otherwise `shared`. `FLEDGE_DATABASE_LOGINS`, which
   * `fledge start` sets, overrides the default.
   */
  readonly logins: 'own' | 'shared' | undefined;
  /** Pool size of each module in each replica, 1 to 100. Default 10. */
  readonly poolMax: number;
}

/** What every service serves over HTTP. */
export interface HttpSettings {
  /** 0 to 65,535; 0 takes any free port. Default 3000. `FLEDGE_PORT`, which `fledge start` sets, overrides the file. */
  readonly port: number;
  /** The address to listen on. Default `127.0.0.1`; a container needs `0.0.0.0`. */
  readonly host: string;
  /**
   * A port of its own, 0 to 65,535, for `/healthz`, `/readyz`, `/metrics`, `/openapi.json` and `/docs`, which `port` then
   * does not answer. Default: none. `FLEDGE_ADMIN_PORT`, which `fledge start` sets, overrides the file; `none` is for
   * none.
   */
  readonly adminPort: number | undefined;
  /** Largest body of a request, in bytes, 1 KiB to 64 MiB. Default 262,144 (256 KiB). */
  readonly bodyMaxBytes: number;
  /** Milliseconds for a request and all its calls, 10 ms to 10 minutes. Default 10,000. */
  readonly requestTimeoutMs: number;
  /**
   * Addresses and networks (`10.0.0.0/8`) of the proxies before the services; in the file, one string with commas. Of a
   * request of theirs, `request.ip` is the last address in `X-Forwarded-For` that is not one of them. Default: none, and
   * the header is ignored. `FLEDGE_TRUSTED_PROXIES`, which `fledge start` sets for services behind its front door, adds
   * to the file.
   */
  readonly trustedProxies: readonly string[];
  /**
   * Certificate and key, for HTTPS instead of HTTP; used anew when the files change. Default: those of
   * `FLEDGE_HTTP_CERT` and `FLEDGE_HTTP_KEY`, which `fledge start --tls` sets; without them, HTTP.
   */
  readonly tls: ServerTlsFiles | undefined;
}

/** The files of a server: both are needed. */
export type ServerTlsFiles = Required<Pick<TlsFiles, 'cert' | 'key'>>;

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

/** What the services believe of each other. */
export interface TrustSettings {
  /** By module: the public keys that may speak for it; Ed25519, SPKI in base64. Default: none are pinned. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Whether a call that names a user without a passport is refused. Default `required`. */
  readonly passports: 'required' | 'offered';
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

/** Whether a topology names no database at all: an embedded PostgreSQL is then used, or started. */
export function usesEmbedded({ database }: Pick<Topology, 'database'>): boolean {
  return database.url === undefined && Object.keys(database.modules).length === 0;
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
