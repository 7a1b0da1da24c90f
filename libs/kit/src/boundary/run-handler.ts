import { AccessDenied, type ModuleFault, type ModuleUnavailable } from '../contract/index.js';
import { type CallContext, type Handler, runIsolated } from './call-context.js';
import type { CompiledError, CompiledMessage } from './catalogue.js';
import { type EncodedError, encodeError } from './declared-error.js';
import { isExpired } from './expired.js';
import type { ModuleServer } from './module-server.js';
import { isThenable } from './thenable.js';
import { refusedResult } from './wrong-result.js';

/**
 * Receives how each call ended; one serves all calls of a transport or a module. Exactly one method is called per call,
 * with arguments that may cross the boundary.
 */
export interface Outcomes<C extends CallContext> {
  /** The handler returned; `result` is a copy that fits the contract. */
  succeeded(call: C, result: unknown): void;
  /** It may not run: the message's access rule does not allow it. */
  denied(call: C, error: AccessDenied): void;
  /** It failed with an error that the contract declares. */
  declared(call: C, error: CompiledError, encoded: EncodedError): void;
  /** It failed for a temporary reason, such as a lost connection to the module's database. */
  interrupted(call: C, error: ModuleUnavailable): void;
  /** It failed with any other error, which has been logged. */
  faulted(call: C, error: ModuleFault): void;
  /** It failed because the time of the call is spent, or its caller has given up. */
  expired(call: C): void;
}

/**
 * Runs a handler for a received call in its own scope, if the message's access rule allows it; every transport does it
 * through this function. Call it only when
 * `server.refusal(caller)` returned `undefined`; `input` must be the handler's own copy.
 */
export function runHandler<C extends CallContext>(
  server: ModuleServer,
  message: CompiledMessage,
  handler: Handler,
  input: object,
  call: C,
  outcomes: Outcomes<C>,
): void {
  const denial = server.denial(message, call, input);
  if (denial !== undefined) return outcomes.denied(call, denial);
  server.enter(call.caller);
  let result: unknown;
  try {
    result = runIsolated(call, server.ofCall(message, handler), input);
  } catch (error) {
    // A handler that throws before its first await fails like one that rejects.
    return failed(server, message, call, outcomes, error);
  }
  if (isThenable(result)) {
    result.then(
      (value) => finished(server, message, call, outcomes, value),
      (error: unknown) => failed(server, message, call, outcomes, error),
    );
  } else {
    finished(server, message, call, outcomes, result);
  }
}

function finished<C extends CallContext>(
  server: ModuleServer,
  message: CompiledMessage,
  call: C,
  outcomes: Outcomes<C>,
  value: unknown,
): void {
  server.leave(call.caller);
  let copy: unknown;
  try {
    copy = message.output.copy(value);
  } catch (error) {
    return outcomes.faulted(call, server.fault(message, call, refusedResult(message, value, error)));
  }
  outcomes.succeeded(call, copy);
}

function failed<C extends CallContext>(
  server: ModuleServer,
  message: CompiledMessage,
  call: C,
  outcomes: Outcomes<C>,
  error: unknown,
): void {
  server.leave(call.caller);
  if (isExpired(call, error)) return outcomes.expired(call);
  const encoded = encodeError(message, error);
  if (encoded !== undefined)
    return outcomes.declared(call, message.errorsByName.get(encoded.name) as CompiledError, encoded);
  const interruption = server.interruption(message, call, error);
  if (interruption !== undefined) return outcomes.interrupted(call, interruption);
  outcomes.faulted(call, server.fault(message, call, error));
}
