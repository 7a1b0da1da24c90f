import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { RequestContext, runInContext } from '../boundary/index.js';

/**
 * Runs what a client sends on a connection that a library of the module serves, such as subscriptions of GraphQL, in
 * contexts of the module: one for each piece that arrives. So a guard can say who acts, and what a message starts keeps
 * its context until its end. Libraries learn of a message in the `data` event of its last piece.
 */
export function runMessagesInContext(socket: Socket, request: IncomingMessage, module: string): void {
  const emit = socket.emit.bind(socket) as (name: string | symbol, ...args: unknown[]) => boolean;
  socket.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    if (name !== 'data') return emit(name, ...args);
    // read each time: the application may put a token there that came with a message
    const { authorization } = request.headers;
    return runInContext(new RequestContext(module, Infinity, undefined, authorization, 'ws'), () =>
      emit(name, ...args),
    );
  };
}
