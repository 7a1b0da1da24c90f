import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { decide, referenceOf, type Reply, type Request, resultIn } from './bank.js';
import type { Book } from './book.js';
import { type Deliver, Teller } from './teller.js';

/** How to run a sandbox. */
export interface SandboxOptions {
  readonly book: Book;
  readonly deliver: Deliver;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Milliseconds that a slow card takes. */
  readonly slowMs: number;
  /** Milliseconds after which a late result is reported. */
  readonly lateMs: number;
  /** Receives errors of the sandbox itself. */
  readonly onFailure: (error: unknown) => void;
}

const BODY_MAX_BYTES = 16 * 1024;
const KEY_CHARS_MAX = 200;
const LINES_MAX = 1_000;
const CURRENCY = /^[A-Z]{3}$/;

/** The HTTP answer; `undefined` means no answer at all. */
interface HttpAnswer {
  readonly status: number;
  readonly body: object;
}

/**
 * A provider of payments for trials and tests: answers over HTTP, moves no money, keeps its own book. The same
 * idempotency key is answered the same, also by another process on the same book.
 *
 *     POST /v1/authorisations { orderId, amountMinor, currency, paymentMethod }     with Idempotency-Key
 *     POST /v1/authorisations/:reference/capture | void | refund                     with Idempotency-Key
 *     GET  /v1/operations/:key       what became of it; 404 when nothing was done
 *     GET  /v1/book?after=0          the book's lines from after a number of them, 1,000 at most
 */
export class Sandbox {
  private readonly teller: Teller;
  private readonly server: Server;
  private readonly closing = new AbortController();

  private constructor(private readonly options: SandboxOptions) {
    this.teller = new Teller(options.book, options.lateMs, options.deliver, options.onFailure);
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /** Starts a sandbox; resolves when it listens. */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    const sandbox = new Sandbox(options);
    await new Promise<void>((resolve, reject) => {
      sandbox.server.once('error', reject);
      sandbox.server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
    });
    sandbox.teller.start();
    return sandbox;
  }

  /** Its address. */
  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the sandbox does not listen');
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** Stops it; pending requests get no answer. */
  async close(): Promise<void> {
    this.closing.abort();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await Promise.all([closed, this.teller.stop()]);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.answer(request);
      if (answer)
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    } catch (error) {
      if (this.closing.signal.aborted) return void response.destroy();
      this.options.onFailure(error);
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"the sandbox failed"}');
    }
  }

  private async answer(request: IncomingMessage): Promise<HttpAnswer | undefined> {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const [, version, resource, name, action] = url.pathname.split('/').map((part) => decoded(part));
    if (version !== 'v1') return refusal(404, 'no such path');
    if (request.method === 'GET' && resource === 'operations' && name) return this.operation(name);
    if (request.method === 'GET' && resource === 'book')
      return { status: 200, body: await this.options.book.read(countOf(url.searchParams.get('after')), LINES_MAX) };
    if (request.method === 'POST' && resource === 'authorisations') return this.step(request, name, action);
    return refusal(404, 'no such path');
  }

  private async operation(key: string): Promise<HttpAnswer> {
    const lines = await this.options.book.find(key);
    const result = resultIn(lines);
    return result && lines[0]
      ? { status: 200, body: { ...result, reference: lines[0].reference } }
      : refusal(404, 'nothing was done with this key');
  }

  private async step(
    request: IncomingMessage,
    reference: string | undefined,
    action: string | undefined,
  ): Promise<HttpAnswer | undefined> {
    const key = request.headers['idempotency-key'];
    const body = await bodyOf(request);
    if (typeof key !== 'string' || key === '' || key.length > KEY_CHARS_MAX)
      return refusal(400, 'send an Idempotency-Key');
    if (reference === undefined) {
      const wish = wishOf(body);
      return wish
        ? this.ask({ operation: 'authorise', key, reference: referenceOf(key), wish })
        : refusal(400, 'send { orderId, amountMinor, currency, paymentMethod }');
    }
    const operation = (['capture', 'void', 'refund'] as const).find((known) => known === action);
    return operation ? this.ask({ operation, key, reference }) : refusal(404, 'no such path');
  }

  private async ask(request: Request): Promise<HttpAnswer | undefined> {
    let reply: Reply = { kind: 'error' };
    await this.options.book.write(request.reference, (lines) => {
      const decision = decide(lines, request, new Date().toISOString());
      reply = decision.reply;
      return decision.line;
    });
    return this.send(reply, request);
  }

  private async send(reply: Reply, { reference }: Request): Promise<HttpAnswer | undefined> {
    if (reply.kind === 'error') return refusal(500, 'this card fails once on purpose');
    if (reply.kind === 'refused') return refusal(reply.status, reply.reason);
    const { kind: _, delivery, ...result } = reply;
    if (result.status === 'pending') this.teller.noted();
    if (delivery === 'never') return undefined;
    if (delivery === 'slowly') await delay(this.options.slowMs, undefined, { signal: this.closing.signal, ref: false });
    return { status: 200, body: { ...result, reference } };
  }
}

function refusal(status: number, error: string): HttpAnswer {
  return { status, body: { error } };
}

function wishOf(body: unknown): Request['wish'] {
  const { orderId, amountMinor, currency, paymentMethod } = (body ?? {}) as Record<string, unknown>;
  if (typeof orderId !== 'string' || typeof currency !== 'string' || typeof paymentMethod !== 'string')
    return undefined;
  if (!Number.isSafeInteger(amountMinor) || (amountMinor as number) < 0 || !CURRENCY.test(currency)) return undefined;
  return { orderId, amountMinor: amountMinor as number, currency, paymentMethod };
}

/** A JSON body; `undefined` for any other. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>)
    if ((size += chunk.length) <= BODY_MAX_BYTES) chunks.push(chunk);
  try {
    return size > BODY_MAX_BYTES ? undefined : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function countOf(text: string | null): number {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : 0;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
