import type { ResolveHook } from 'node:module';
import type { MessagePort } from 'node:worker_threads';

let port: MessagePort | undefined;

/** Called by Node, in the thread of the hooks, with what `register` was given. */
export function initialize(data: { readonly port: MessagePort }): void {
  port = data.port;
}

/** Tells the main thread which file each import means. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  const resolved = await next(specifier, context);
  port?.postMessage([resolved.url, context.parentURL]);
  return resolved;
};
