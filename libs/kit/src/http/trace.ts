import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

// W3C Trace Context, version 00; an all-zero id is invalid.
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The `traceparent` of a request, if it has a valid one. */
export function traceparentOf(headers: IncomingHttpHeaders): string | undefined {
  const header = headers.traceparent;
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}

/** The correlation id of a request that is refused before it has a context: its trace id, or a new one. */
export function correlationIdOf(headers: IncomingHttpHeaders): string {
  return traceparentOf(headers)?.slice(3, 35) ?? randomBytes(16).toString('hex');
}
