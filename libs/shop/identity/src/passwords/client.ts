import type { ServerResponse } from 'node:http';
import { clientKey, currentCall } from '@fledge/kit';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** Who sent a request with a password. */
export interface Client {
  /** Its address, in the form of `clientKey`. */
  readonly client: string;
  /** Aborts when the client hangs up before its answer. */
  readonly signal: AbortSignal;
  /** Milliseconds until the request's deadline. */
  readonly timeLeftMs: number;
}

/** Injects the `Client` of the request. */
export const CurrentClient = createParamDecorator((_: unknown, context: ExecutionContext): Client => {
  const { ip } = context.switchToHttp().getRequest<{ readonly ip: string }>();
  const { raw } = context.switchToHttp().getResponse<{ readonly raw: ServerResponse }>();
  const gone = new AbortController();
  // A write goes on when its client hangs up; to check a password writes nothing yet.
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  if (raw.destroyed) gone.abort();
  return { client: clientKey(ip), signal: gone.signal, timeLeftMs: currentCall()?.timeLeftMs ?? Infinity };
});
