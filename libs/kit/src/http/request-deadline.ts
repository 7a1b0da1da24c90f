import type { IncomingMessage, ServerResponse } from 'node:http';
import { now, type RequestContext, type Timed, wheel } from '../boundary/index.js';
import { DeadlineExceeded } from '../contract/index.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';

/**
 * Milliseconds after its deadline for a request to answer by itself: a call that ends then knows better what has become
 * of the work.
 */
const GRACE_MS = 20;

/** Answers a request with 504 when its time is over and nothing of an answer has been sent. */
export class RequestDeadline implements Timed {
  deadlineAt: number;
  before: Timed | null = null;
  after: Timed | null = null;

  private constructor(
    private readonly context: RequestContext,
    private readonly timeoutMs: number,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    this.deadlineAt = context.deadlineAt + GRACE_MS;
  }

  /** Watches a request until its response is closed. */
  static watch(context: RequestContext, timeoutMs: number, request: IncomingMessage, response: ServerResponse): void {
    const deadline = new RequestDeadline(context, timeoutMs, request, response);
    response.once('close', () => wheel.letGo(deadline));
    wheel.watch(deadline);
  }

  expire(): void {
    if (!this.request.complete) {
      // its body is still on the way, for which the listener has a limit of its own
      this.deadlineAt = now() + this.timeoutMs;
      if (!this.response.destroyed) wheel.watch(this);
      return;
    }
    // what ended in this tick answers first
    setImmediate(() => this.answer());
  }

  private answer(): void {
    const { context, request, response } = this;
    // an answer that has begun, such as a file or an event stream, goes on
    if (response.headersSent || response.destroyed) return;
    context.cancel();
    const what = `${request.method ?? ''} ${(request.url ?? '').split('?', 1)[0] ?? ''}`;
    const problem = problemOf(new DeadlineExceeded(context.module, what, 'unknown'), context.correlationId);
    response
      .writeHead(problem.status, { 'content-type': PROBLEM_TYPE, 'x-correlation-id': context.correlationId })
      .end(JSON.stringify(problem));
  }
}
