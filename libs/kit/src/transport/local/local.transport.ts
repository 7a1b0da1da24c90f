import { type Call, encodeError, type CompiledError, type CompiledMessage, type Handler, type ModuleServer, isExpired, isThenable, outcomeOf, decodeError, runIsolated, type Send } from '../../boundary/index.js';
import { ModuleFault, ModuleUnavailable } from '../../contract/index.js';
import type { Transport } from '../transport.js';
import { LocalMessageLog } from './local.message-log.js';

/** Calls between modules of one process: through the compiled boundary, without socket, JSON or timer. */
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

  sender(_caller: string, message: CompiledMessage): Send {
    // Looked up at the first call, since a caller may be wired before the callee is served.
    let moduleServer: ModuleServer | undefined;
    let handler: Handler | undefined;
    return (input, call) => {
      moduleServer ??= this.moduleServers.get(message.module);
      handler ??= moduleServer?.handlerOf(message);
      const copy = message.input.copy(input) as object;
      if (moduleServer === undefined || handler === undefined) return unavailable(call, 'missing');
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
  const refusal = moduleServer.refusal();
  if (refusal !== undefined) return unavailable(call, refusal);
  moduleServer.enter();
  call.started = true;
  let result: unknown;
  try {
    result = runIsolated(call, handler, input);
  } catch (error) {
    // A handler that throws before its first await fails as one that rejects.
    return failed(moduleServer, call, error);
  }
  if (isThenable(result)) {
    result.then(
      (value) => finished(moduleServer, call, value),
      (error: unknown) => failed(moduleServer, call, error),
    );
  } else {
    finished(moduleServer, call, result);
  }
}

function finished(moduleServer: ModuleServer, call: Call, value: unknown): void {
  moduleServer.leave();
  let copy: unknown;
  try {
    copy = call.message.output.copy(value);
  } catch (error) {
    return fault(moduleServer, call, error);
  }
  call.succeed(copy);
}

function failed(moduleServer: ModuleServer, call: Call, error: unknown): void {
  moduleServer.leave();
  if (isExpired(call, error)) return call.expire();
  const encoded = encodeError(call.message, error);
  if (encoded === undefined) {
    const interruption = moduleServer.interruption(call.message, call, error);
    return interruption ? call.fail(interruption, outcomeOf(interruption)) : fault(moduleServer, call, error);
  }
  const compiled = call.message.errorsByName.get(encoded.name) as CompiledError;
  call.fail(decodeError(compiled, encoded.message, encoded.fields), 'declared-error');
}

function fault(moduleServer: ModuleServer, call: Call, error: unknown): void {
  moduleServer.logFault(moduleServer.module, call.message.name, call.correlationId, error);
  call.fail(new ModuleFault(moduleServer.module, call.message.name, call.correlationId), 'fault');
}

function unavailable(call: Call, reason: ModuleUnavailable['reason']): void {
  const error = new ModuleUnavailable(call.message.module, call.message.name, reason);
  call.fail(error, outcomeOf(error));
}

