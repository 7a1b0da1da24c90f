import type { Socket } from 'node:net';
import { httpProblem, PROBLEM_TYPE } from './problem.js';
import { correlationIdOf } from './trace.js';

/** Answers with a problem on a socket that has no response of Node's, and closes it. */
export function endWithProblem(
  socket: Socket,
  [status, reason]: readonly [status: number, reason: string],
  code: string,
  detail: string,
  headers = '',
): void {
  const body = JSON.stringify(httpProblem(status, code, detail, correlationIdOf({})));
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: ${PROBLEM_TYPE}\r\nconnection: close\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
