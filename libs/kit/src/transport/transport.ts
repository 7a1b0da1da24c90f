import type { CompiledMessage, ModuleServer, Send } from '../boundary/index.js';
import type { MessageLog } from './message-log.js';

/**
 * Carries calls between modules. All that the parity law promises is in the boundary; a transport moves a message, and says
 * what became of it. A new one joins the law's suite (libs/kit/test/law) by a line in its list.
 */
export interface Transport {
  /** As in a topology file and in metrics. */
  readonly name: string;
  /** Carries what modules tell durably: events, and the commands of processes. */
  readonly messageLog: MessageLog;
  /** Connects; rejects with a `StartupError` when it cannot. */
  start(): Promise<void>;
  /** Whether calls can be carried now; part of readiness. */
  isConnected(): boolean;
  /** Answers calls for a module hosted here, from now until `drain`. */
  serve(moduleServer: ModuleServer): Promise<void>;
  /** How `caller` sends `message`. Asked once for each pair, when the host starts. */
  sender(caller: string, message: CompiledMessage): Send;
  /** Takes no new calls; resolves when those under way have been answered. */
  drain(): Promise<void>;
  /** Lets go of everything. Calls still under way end with `ModuleUnavailable` or by their deadline. */
  close(): Promise<void>;
}
