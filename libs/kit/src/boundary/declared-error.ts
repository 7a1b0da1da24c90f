import { ContractError, errorSpec, InvalidMessage, type Class } from '../contract/index.js';
import type { CompiledError, CompiledMessage } from './catalogue.js';

/** What of a declared error crosses: its wire name, its message, its declared fields. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly fields: object;
}

/**
 * What an error carries across the boundary, if the contract of `message` declares it and its fields fit; otherwise
 * `undefined`, and it becomes a `ModuleFault`.
 */
export function encodeError(message: CompiledMessage, error: unknown): EncodedError | undefined {
  if (!(error instanceof ContractError)) return undefined;
  const compiled = declared(message, error);
  if (!compiled) return undefined;
  try {
    return { name: compiled.name, message: error.message, fields: compiled.codec.copy(fieldsOf(error)) as object };
  } catch (refused) {
    // Fields that break the error's own contract are a fault of the module, told in its log by the caller of this.
    if (refused instanceof InvalidMessage) return undefined;
    throw refused;
  }
}

/** Makes the error anew at the caller: its own class, message and fields, and the stack of the place that called. */
export function decodeError(compiled: CompiledError, message: string, fields: object): ContractError {
  const error = new Error(message);
  Object.setPrototypeOf(error, compiled.cls.prototype as object);
  return Object.assign(error, fields) as unknown as ContractError;
}

function declared(message: CompiledMessage, error: ContractError): CompiledError | undefined {
  const spec = errorSpec(error.constructor as Class);
  return spec && message.errorsByName.get(spec.name);
}

/** `message` and `stack` are own, non-enumerable properties of an Error: only declared fields are enumerable. */
function fieldsOf(error: ContractError): object {
  return { ...error };
}
