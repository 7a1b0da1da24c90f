import type { CompiledMessage, ModuleServer, Send } from '../boundary/index.js';
import type { MessageLog } from './message-log.js';

/**
 * Carries calls between modules. The boundary implements everything that the parity law promises; a transport only
 * moves messages and answers: see `requestOf`, `receive` and `settle`.
 */
export interface CallTransport {
  /** Connects; rejects with a `StartupError` when it cannot. */
  start(): Promise<void>;
  /** Whether calls can be carried now; `/readyz` reports it. */
  isConnected(): boolean;
  /** Answers calls for a module hosted here, from now until `drain`. */
  serve(moduleServer: ModuleServer): Promise<void>;
  /**
   * How `caller` sends `message`. Called once for each pair: when the host starts, or before the first call of a
   * pattern.
   */
  sender(caller: string, message: CompiledMessage): Send;
  /** Accepts no new calls; resolves when those under way have been answered. */
  drain(): Promise<void>;
  /**
   * Cancels the calls that are still open and releases everything. After a failed start, also if `start` itself
   * rejected, it is called without `drain`.
   */
  close(): Promise<void>;
}

/** A transport: carries calls, and has a log that carries durable messages. */
export interface Transport extends CallTransport {
  /** The name in topology files and metrics. */
  readonly name: string;
  /** Carries durable messages: events, and the commands of processes. */
  readonly messageLog: MessageLog;
}

/** Where a transport is created. */
export interface TransportPlace {
  /** Keeps two systems apart on one broker. */
  readonly namespace: string;
  /** The service of this process. */
  readonly service: string;
  /** Semantic version of the deployment, if known. */
  readonly version: string | undefined;
}

/**
 * A transport that an application provides in its `transports`. A topology file selects it by name, with its settings
 * under the same key.
 */
export interface TransportKind<Settings extends object = object> {
  /**
   * At most 40 lower-case letters, digits and hyphens, starting with a letter; not a key of topology files. The
   * transport and its log have the same name.
   */
  readonly name: string;
  /**
   * Whether it reaches other processes. Default `true`; a topology of several services cannot use one that does not.
   */
  readonly joinsServices?: boolean;
  /** The class of its settings: fields with defaults and with decorators of class-validator. Default: it has none. */
  readonly settings?: new () => Settings;
  /** Creates the transport. Called once in each process. */
  create(settings: Settings, place: TransportPlace): Transport;
}
