import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { currentContext, RequestContext } from '../boundary/index.js';
import { runMessagesInContext } from './socket-context.js';

it('runs what arrives in contexts of the module, with the token that the request has by then', () => {
  const socket = new Socket();
  const request = { headers: {} } as IncomingMessage;
  runMessagesInContext(socket, request, 'teas');
  const seen: unknown[] = [];
  const see = (): unknown => seen.push(currentContext());
  socket.on('data', see).on('drain', see);
  socket.emit('data', Buffer.alloc(1));
  request.headers.authorization = 'Bearer tea';
  socket.emit('data', Buffer.alloc(1));
  socket.emit('drain');
  const context = { module: 'teas', caller: 'ws', deadlineAt: Infinity };
  expect(seen).toEqual([
    expect.objectContaining({ ...context, authorization: undefined }),
    expect.objectContaining({ ...context, authorization: 'Bearer tea' }),
    undefined,
  ]);
  expect(seen[0]).toBeInstanceOf(RequestContext);
  expect((seen[0] as RequestContext).correlationId).not.toBe((seen[1] as RequestContext).correlationId);
});
