import type { CompiledMessage, ModuleServer, Send } from '../boundary/index.js';
import type { MessageLog } from './message-log.js';

/**
 * Carries calls between modules. All that the parity law promises is in the boundary; a transport moves a message, and
 * says what became of it: see `requestOf`, `receive` and `settle`.
 */
export interface CallTransport {
  /** Connects; rejects with a `StartupError` when it cannot. */
  start(): Promise<void>;
  /** Whether calls can be carried now; `/readyz` says so. */
  isConnected(): boolean;
  /** Answers calls for a module hosted here, from now until `drain`. */
  serve(moduleServer: ModuleServer): Promise<void>;
  /** How `caller` sends `message`. Asked once for each pair, when the host starts. */
  sender(caller: string, message: CompiledMessage): Send;
  /** Takes no new calls; resolves when those under way have been answered. */
  drain(): Promise<void>;
  /**
   * Cancels the calls that are still open, and lets go of everything. After a start that failed it is called without
   * `drain`, and also when `start` has rejected.
   */
  close(): Promise<void>;
}

/** A transport: carries calls, and has a log that carries durable messages. */
export interface Transport extends CallTransport {
  /** As in a topology file and in metrics. */
  readonly name: string;
  /** Carries what modules tell durably: events, and the commands of processes. */
  readonly messageLog: MessageLog;
}

/** Where a transport is made. */
export interface TransportPlace {
  /** Keeps two systems apart on one broker. */
  readonly namespace: string;
  /** The service of this process. */
  readonly service: string;
  /** Semantic version of what is deployed, if it is known. */
  readonly version: string | undefined;
}

/**
 * A transport that an application brings along, listed in its `transports`. A topology file chooses it by its name, and
 * has its settings under the same key.
 */
export interface TransportKind<Settings extends object = object> {
  /**
   * At most 40 lower-case letters, digits and hyphens, starting with a letter; no key of topology files. The transport
   * and its log have the same name.
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
