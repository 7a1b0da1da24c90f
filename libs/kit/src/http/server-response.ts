import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Headers = OutgoingHttpHeaders | readonly OutgoingHttpHeader[];

const EVENT_STREAM = /^text\/event-stream\b/i;

/** The response of the listener's server: tells when it becomes an event stream, which has no natural end. */
export class ListenerResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** What to call with the head of an event stream. */
  readonly streaming: (() => void)[] = [];

  constructor(...args: ConstructorParameters<typeof ServerResponse<Request>>) {
    super(...args);
    // its own, since Express exchanges the prototype of a response
    this.writeHead = writeHead;
  }
}

function writeHead<R extends ServerResponse>(this: R, status: number, ...rest: (string | Headers | undefined)[]): R {
  Reflect.apply(ServerResponse.prototype.writeHead, this, [status, ...rest]);
  const { streaming } = this as unknown as ListenerResponse;
  if (streaming.length > 0 && EVENT_STREAM.test(typeOf(this, rest.at(-1))))
    for (const told of streaming.splice(0)) told();
  return this;
}

/** The content type. Headers that are passed to `writeHead` are not among those of the response. */
function typeOf(response: ServerResponse, headers: string | Headers | undefined): string {
  if (Array.isArray(headers)) {
    const list: readonly unknown[] = headers;
    const at = list.findIndex((name, i) => i % 2 === 0 && String(name).toLowerCase() === 'content-type');
    if (at >= 0) return String(list[at + 1]);
  } else if (typeof headers === 'object') {
    const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type');
    if (found) return String(found[1]);
  }
  return String(response.getHeader('content-type') ?? '');
}

/** Calls `told` when a response becomes an event stream, if it does. */
export function whenStreaming(response: ServerResponse, told: () => void): void {
  // a server that is not the kit's listener, as in a test, does not tell
  (response as Partial<Pick<ListenerResponse, 'streaming'>>).streaming?.push(told);
}
