import {
  type Call,
  type CompiledMessage,
  type Handler,
  type ModuleServer,
  type Outcomes,
  outcomeOf,
  decodeError,
  runHandler,
  type Send,
} from '../../boundary/index.js';
import { CallerNotAllowed, ModuleUnavailable } from '../../contract/index.js';
import type { Transport } from '../transport.js';
import { LocalMessageLog } from './local.message-log.js';

/** Calls between modules of one process: through the compiled boundary, without a socket, JSON or a timer. */
export class LocalTransport implements Transport {
  readonly name = 'local';
  readonly messageLog = new LocalMessageLog();
  private readonly moduleServers = new Map<string, ModuleServer>();

  start(): Promise<void> {
    return Promise.resolve();
  }

  isConnected(): boolean {
    return true;
  }

  serve(moduleServer: ModuleServer): Promise<void> {
    this.moduleServers.set(moduleServer.module, moduleServer);
    return Promise.resolve();
  }

  sender(caller: string, message: CompiledMessage): Send {
    // Looked up at the first call, since a caller may be wired before the callee is served.
    let moduleServer: ModuleServer | undefined;
    let handler: Handler | undefined;
    let isAdmitted = true;
    return (input, call) => {
      if (moduleServer === undefined) {
        moduleServer = this.moduleServers.get(message.module);
        isAdmitted = moduleServer?.admits(caller) ?? true;
      }
      handler ??= moduleServer?.handlerOf(message);
      const copy = message.input.copy(input) as object;
      if (moduleServer === undefined || handler === undefined) return unavailable(call, 'missing');
      if (!isAdmitted) return call.fail(new CallerNotAllowed(caller, message.name), 'refused');
      deliver(moduleServer, handler, copy, call);
    };
  }

  async drain(): Promise<void> {
    await Promise.all([...this.moduleServers.values()].map((moduleServer) => moduleServer.drain()));
  }

  close(): Promise<void> {
    this.moduleServers.clear();
    return Promise.resolve();
  }
}

function deliver(moduleServer: ModuleServer, handler: Handler, input: object, call: Call): void {
  const refusal = moduleServer.refusal(call.caller);
  if (refusal !== undefined) return unavailable(call, refusal);
  call.started = true;
  runHandler(moduleServer, call.message, handler, input, call, SETTLE);
}

/** A local call is itself the context of its handler, so it is settled directly. */
const SETTLE: Outcomes<Call> = {
  succeeded: (call, result) => call.succeed(result),
  denied: (call, error) => call.fail(error, outcomeOf(error)),
  declared: (call, error, { message, fields }) => call.fail(decodeError(error, message, fields), 'declared-error'),
  interrupted: (call, error) => call.fail(error, outcomeOf(error)),
  faulted: (call, error) => call.fail(error, 'fault'),
  expired: (call) => call.expire(),
};

function unavailable(call: Call, reason: ModuleUnavailable['reason']): void {
  const error = new ModuleUnavailable(call.message.module, call.message.name, reason);
  call.fail(error, outcomeOf(error));
}
