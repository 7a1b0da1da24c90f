import { type Call, carry, type CompiledError, type CompiledMessage, type Handler, type Inlet, isSpent, isThenable, outcomeOf, revive, runIsolated, type Send } from '../../boundary/index.js';
import { ModuleFault, ModuleUnavailable } from '../../contract/index.js';
import type { Transport } from '../transport.js';
import { LocalCarrier } from './local.carrier.js';

/** Calls between modules of one process: through the compiled boundary, without socket, JSON or timer. */
export class LocalTransport implements Transport {
  readonly name = 'local';
  readonly carrier = new LocalCarrier();
  private readonly inlets = new Map<string, Inlet>();

  start(): Promise<void> {
    return Promise.resolve();
  }

  isConnected(): boolean {
    return true;
  }

  serve(inlet: Inlet): Promise<void> {
    this.inlets.set(inlet.module, inlet);
    return Promise.resolve();
  }

  sender(_caller: string, message: CompiledMessage): Send {
    // Looked up at the first call, since a caller may be wired before the callee is served.
    let inlet: Inlet | undefined;
    let handler: Handler | undefined;
    return (input, call) => {
      inlet ??= this.inlets.get(message.module);
      handler ??= inlet?.handlerOf(message);
      const copy = message.input.copy(input) as object;
      if (inlet === undefined || handler === undefined) return unavailable(call, 'missing');
      deliver(inlet, handler, copy, call);
    };
  }

  async drain(): Promise<void> {
    await Promise.all([...this.inlets.values()].map((inlet) => inlet.drain()));
  }

  close(): Promise<void> {
    this.inlets.clear();
    return Promise.resolve();
  }
}

function deliver(inlet: Inlet, handler: Handler, input: object, call: Call): void {
  const refusal = inlet.refusal();
  if (refusal !== undefined) return unavailable(call, refusal);
  inlet.enter();
  call.started = true;
  let result: unknown;
  try {
    result = runIsolated(call, handler, input);
  } catch (error) {
    // A handler that throws before its first await fails as one that rejects.
    return failed(inlet, call, error);
  }
  if (isThenable(result)) {
    result.then(
      (value) => finished(inlet, call, value),
      (error: unknown) => failed(inlet, call, error),
    );
  } else {
    finished(inlet, call, result);
  }
}

function finished(inlet: Inlet, call: Call, value: unknown): void {
  inlet.leave();
  let copy: unknown;
  try {
    copy = call.message.output.copy(value);
  } catch (error) {
    return fault(inlet, call, error);
  }
  call.succeed(copy);
}

function failed(inlet: Inlet, call: Call, error: unknown): void {
  inlet.leave();
  if (isSpent(call, error)) return call.expire();
  const carried = carry(call.message, error);
  if (carried === undefined) {
    const interruption = inlet.interruption(call.message, call, error);
    return interruption ? call.fail(interruption, outcomeOf(interruption)) : fault(inlet, call, error);
  }
  const compiled = call.message.errorsByName.get(carried.name) as CompiledError;
  call.fail(revive(compiled, carried.message, carried.fields), 'declared-error');
}

function fault(inlet: Inlet, call: Call, error: unknown): void {
  inlet.logFault(inlet.module, call.message.name, call.correlationId, error);
  call.fail(new ModuleFault(inlet.module, call.message.name, call.correlationId), 'fault');
}

function unavailable(call: Call, reason: ModuleUnavailable['reason']): void {
  const error = new ModuleUnavailable(call.message.module, call.message.name, reason);
  call.fail(error, outcomeOf(error));
}

