import type { InitializeHook, LoadHook } from 'node:module';
import type { Mutation } from '../mutations.js';

let mutation: Mutation;

/** Told by `register` what is to be changed. */
export const initialize: InitializeHook<Mutation> = (data) => {
  mutation = data;
};

/** Changes the one file; a mutation that no longer fits the code stops the start. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  if (!new URL(url).pathname.endsWith(mutation.file)) return loaded;
  const text = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  if (text.split(mutation.from).length !== 2) throw new Error(`${mutation.file} has not once what the mutation changes: ${mutation.from}`);
  return { ...loaded, source: text.replace(mutation.from, () => mutation.to) };
};
