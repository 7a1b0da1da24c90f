import type { ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { currentCall } from '@fledge/kit';
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

/**
 * The form of an address by which clients are told apart: an IPv4 address, or the first 64 bits of an IPv6 address, of
 * which one client has as many as it likes.
 */
export function clientKey(ip: string): string {
  const plain = ip.replace(/^::ffff:(?=[0-9.]+$)/i, '');
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.toLowerCase().split('%', 1)[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    groups.push(...Array<string>(8 - groups.length - last).fill('0'), ...tail.split(':'));
  }
  const network = groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
