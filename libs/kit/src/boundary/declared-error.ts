import { ContractError, errorSpec, InvalidMessage, type Class } from '../contract/index.js';
import type { CompiledError, CompiledMessage } from './catalogue.js';

/** The parts of a declared error that cross: its wire name, message and declared fields. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly fields: object;
}

/**
 * Encodes an error if the contract of `message` declares it and its fields fit; otherwise returns `undefined`, and the
 * error becomes a `ModuleFault`.
 */
export function encodeError(message: CompiledMessage, error: unknown): EncodedError | undefined {
  if (!(error instanceof ContractError)) return undefined;
  const compiled = declared(message, error);
  if (!compiled) return undefined;
  try {
    return { name: compiled.name, message: error.message, fields: compiled.codec.copy(fieldsOf(error)) as object };
  } catch (refused) {
    // Fields that violate the error's own contract are a fault of the module; the caller of this function logs it.
    if (refused instanceof InvalidMessage) return undefined;
    throw refused;
  }
}

/** Recreates the error at the caller, with its class, message and fields, and the stack of the place that called. */
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
