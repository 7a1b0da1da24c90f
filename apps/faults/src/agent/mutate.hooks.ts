import type { InitializeHook, LoadHook } from 'node:module';
import { type Edit, unfit } from '../mutations.js';

let edits: readonly Edit[];

/** Receives from `register` what to change. */
export const initialize: InitializeHook<readonly Edit[]> = (data) => {
  edits = data;
};

/** Changes the files of one mutation; a mutation that no longer fits the code stops the start. */
export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  const { pathname } = new URL(url);
  const here = edits.filter(({ file }) => pathname.endsWith(file));
  if (here.length === 0) return loaded;
  let text = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  for (const edit of here) {
    const reason = unfit(edit, text);
    if (reason !== undefined) throw new Error(reason);
    text = text.replace(edit.from, () => edit.to);
  }
  return { ...loaded, source: text };
};
