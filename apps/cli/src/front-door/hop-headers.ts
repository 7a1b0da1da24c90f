import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { TrustsProxy } from '@fledge/kit/operations';

/**
 * Headers that belong to one connection and are not passed on (RFC 9110, 7.6.1). This server itself has already
 * answered `expect`.
 *
 * What `Connection` names besides is passed on: to its clients, the front door and the services are one server, and a
 * client must not be able to take away from a service what one process would see, such as `Authorization`.
 */
const OF_THE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** What a proxy says of the request that it got. */
const FORWARDED: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']);

/**
 * A request's headers for the service: unchanged, in their order, plus `X-Forwarded-…` headers that name the origin. What
 * the client says in these is passed on only if it is a proxy that is trusted: anyone can send them.
 */
export function requestHeaders(request: IncomingMessage, trusts: TrustsProxy): string[] {
  const { rawHeaders, headers, socket } = request;
  const from = socket.remoteAddress ?? 'unknown';
  const isTrusted = trusts(from);
  const passed: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [key, value] = [rawHeaders[i] as string, rawHeaders[i + 1] as string];
    const name = key.toLowerCase();
    // of a read: the listener has dropped its body
    if (name === 'content-length' && headers['content-length'] === undefined) continue;
    const isDropped = name === 'x-forwarded-for' || (!isTrusted && FORWARDED.has(name)) || OF_THE_HOP.has(name);
    if (!isDropped) passed.push(key, value);
  }
  const before = isTrusted ? headers['x-forwarded-for'] : undefined;
  passed.push('x-forwarded-for', before === undefined ? from : `${String(before)}, ${from}`);
  if (!isTrusted || headers['x-forwarded-proto'] === undefined)
    passed.push('x-forwarded-proto', 'encrypted' in socket ? 'https' : 'http');
  if ((!isTrusted || headers['x-forwarded-host'] === undefined) && headers.host !== undefined)
    passed.push('x-forwarded-host', headers.host);
  return passed;
}

/** The headers of an answer, for the client. */
export function responseHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_HOP.has(name)));
}
