import type { IncomingMessage } from 'node:http';

/** The most headers of a request. */
export const HEADERS_MAX = 2_000;
/** The most bytes of a request's target and headers, each header with four for what separates them. */
export const HEADERS_BYTES_MAX = 16 * 1024;
/**
 * Room for what a front door adds: it must not be the reason for a refusal, or a split would take less than one process
 * does.
 */
export const FORWARDED_HEADERS = 8;
export const FORWARDED_BYTES = 1024;

/** The status, the code and the text of a refusal. */
export type Flaw = readonly [status: number, code: string, detail: string];

/**
 * Returns what is wrong with the head of a request, before any module sees it: the same in one process as in front of
 * many.
 */
export function flawOf(request: IncomingMessage): Flaw | undefined {
  const { rawHeaders, url = '/', httpVersion } = request;
  if (!url.startsWith('/'))
    return bad(`the target '${url.slice(0, 100)}' is neither a path nor the URL of a path over HTTP`);
  let hosts = 0;
  let bytes = url.length;
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length >= 10 && isOfProxies(name)) continue;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
    bytes += name.length + (rawHeaders[i + 1] as string).length + 4;
    count++;
  }
  if (count > HEADERS_MAX) return tooLarge(`more than ${HEADERS_MAX} headers`);
  if (bytes > HEADERS_BYTES_MAX) return tooLarge(`more than ${HEADERS_BYTES_MAX} bytes of headers`);
  if (hosts > 1) return bad('the request has more than one Host header');
  if (hosts === 0 && httpVersion !== '1.0') return bad('the request has no Host header');
  return undefined;
}

/** Whether a proxy may have added it. */
function isOfProxies(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  if (first === 0x78) return name.slice(0, 12).toLowerCase() === 'x-forwarded-';
  return first === 0x63 && name.length === 10 && name.toLowerCase() === 'connection';
}

/**
 * Lets nobody wait for the body of a read, which has no meaning (RFC 9110, 9.3.1): it is discarded as it comes, on each
 * platform and behind a front door.
 */
export function dropBodyOfRead(request: IncomingMessage): void {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'HEAD') return;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  delete headers['content-length'];
  delete headers['transfer-encoding'];
  delete headers['content-type'];
  request.resume();
}

function bad(detail: string): Flaw {
  return [400, 'fledge.bad-request', detail];
}

function tooLarge(what: string): Flaw {
  return [431, 'fledge.bad-request', `the request has ${what}: send less`];
}
