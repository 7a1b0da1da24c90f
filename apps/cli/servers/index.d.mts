import type { ChildProcess } from 'node:child_process';

/** A server of development. */
export type ServerName = 'nats-server' | 'nats' | 'envoy' | 'prometheus' | 'promtool' | 'redis-server';

/** How long one install step may take, in milliseconds. */
export const INSTALL_TIMEOUT_MS: number;

/**
 * Lines of a nats-server's configuration, with which it lets go of a client that does not answer within 2.75 s, and of
 * none that is busy for a second.
 */
export const NATS_SERVER_PINGS: string;

/** The names that `findServer` knows. */
export const SERVER_NAMES: readonly ServerName[];

/**
 * The path of a server's program, absolute: on the PATH, in the cache, or installed into the cache first. Safe to call
 * from several processes at once. Rejects with what was tried and what to do when the server cannot be had.
 * @param options `log` is told what is being installed; default: to stderr.
 */
export function findServer(name: ServerName, options?: { readonly log?: (line: string) => void }): Promise<string>;

/** The path of nats-server, 2.10 or newer; see `findServer`. */
export function natsServerPath(): Promise<string>;

/**
 * Where installed servers are kept: `$FLEDGE_CACHE`, else `$XDG_CACHE_HOME/fledge`, else `~/.cache/fledge`. Programs
 * are in its folder `bin`.
 */
export function cacheFolder(): string;

/**
 * Unpacks packages of Debian below a folder, without installing them. `timeout` of each step is in milliseconds;
 * default `INSTALL_TIMEOUT_MS`.
 */
export function unpackPackages(into: string, packages: readonly string[], timeout?: number): Promise<void>;

/** A nats-server of a test. */
export interface TestNatsServer {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Kills it at once. What is not on disk yet is lost. */
  stop(): Promise<void>;
}

/** What a nats-server of a test is started with. */
export interface TestNatsServerOptions {
  /** Default: any free one, as for 0. */
  readonly port?: number;
  /** Lines of a nats-server configuration. */
  readonly config?: string;
  /** Where JetStream keeps its store, which outlives the server. Default: there is no JetStream. */
  readonly store?: string;
  /**
   * Whether a client that does not answer is let go within 2.75 s, by `NATS_SERVER_PINGS`. Default true; false leaves
   * the server's usual pings, two minutes apart, for a test that measures what connections cost.
   */
  readonly quickPings?: boolean;
}

/**
 * Starts a nats-server on 127.0.0.1 for a test; resolves when it takes connections. Rejects with the server's output if it
 * ends before that. It ends with this process.
 */
export function startNatsServer(options?: TestNatsServerOptions): Promise<TestNatsServer>;

/** The names of this machine for itself: `localhost`, `127.0.0.1` and `::1`. */
export const LOCAL_HOSTS: readonly string[];

/** A certificate and its key: paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Certificates for development, as paths of PEM files. */
export interface DevelopmentCertificates {
  /** The certificate of the authority that signed the others. */
  readonly ca: string;
  /** For servers on this machine. */
  readonly server: CertificateFiles;
  /** For clients, where TLS is mutual. */
  readonly client: CertificateFiles;
  /** The certificates that were made or renewed by this call. */
  readonly made: readonly string[];
}

/** What certificates are made of. */
export interface CertificateOptions {
  /** Names and addresses of servers. Default: `LOCAL_HOSTS`. */
  readonly hosts?: readonly string[];
  /** Milliseconds since 1970. Default: now. */
  readonly now?: number;
  /** How long certificates of servers and clients are valid from now on. Default 90; below 0 they have expired. */
  readonly days?: number;
}

/**
 * Makes an authority and certificates for development in a folder: `ca.pem`, `server.pem`, `client.pem`, each with its
 * `.key`, ECDSA on P-256, with mode 600. What is there stays until it is near its end (30 days; the authority's 120), or
 * lacks a name.
 */
export function developmentCertificates(folder: string, options?: CertificateOptions): Promise<DevelopmentCertificates>;

/** Lines of a nats-server's configuration, with which it takes TLS connections of clients with a certificate alone. */
export function natsServerTls(certificates: Pick<DevelopmentCertificates, 'ca' | 'server'>): string;
