import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request that was routed to it. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Requests under way that are always let in: below this, a few slow requests are no overload. */
export const ADMITTED_MIN = 32;
/** Requests are let in for so many milliseconds of work at a time: what is under way then ends in about twice that. */
const WORK_MAX_MS = 300;
/**
 * Milliseconds that one turn of the event loop takes requests for, and for which connections may wait to be accepted.
 */
const TURN_MAX_MS = 150;
const BACKLOG_MAX_MS = 50;
/** Milliseconds that requests are held at a time. */
const HOLD_MAX_MS = 200;
/**
 * The event loop is looked at for so many milliseconds at a time, and so many times in a row it must be busy: no burst
 * is an overload.
 */
const WINDOW_MS = 200;
const WINDOWS_MIN = 3;
/** The part of a window for which the event loop has something to do when that is all that this process can do. */
const SATURATED = 0.95;
/**
 * Milliseconds after which a request that goes on is no longer counted, at the earliest: a stream of events is not work
 * that waits.
 */
const RECENT_MS = 1_000;
/** How much the newest window counts in the rate. */
const NEWEST = 0.3;

interface Held {
  readonly handle: RequestHandler;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Decides which requests a process takes: all, unless its event loop has been busy all of the time for a while. Then
 * only as many as it ends within about half a second; the others are refused at once. What is slow without keeping this
 * process busy, as a call that waits for another service, is never refused for it.
 *
 * Requests wait in three places, each of which is measured: under way, against how many end in a second (Little's law);
 * on connections, while the event loop works on what lay there before them; and on connections that the system has not
 * handed over yet, of which Node accepts one in each turn. When there has been one in each turn for a while, those that
 * come are held, not worked on, until there are no more, or for a fifth of a second: which shows how many there are.
 * This is CoDel's idea (RFC 8289) that a queue is one that stays, with the queue made visible first.
 *
 * It has no timer. A request costs a reading of the clock, and each turn of the event loop in which requests come one
 * immediate.
 */
export class Admission {
  /** The present stretch of `RECENT_MS`, and the one before it. */
  private stretch = new Stretch();
  private stretchBefore = new Stretch();
  private stretchStartedAt = performance.now();
  private turnStartedAt = 0;
  private inTurn = 0;
  private isTurnOpen = false;
  /** Since when each turn has accepted a connection; `undefined` when the last one did not. */
  private backlogSince: number | undefined;
  private hasAccepted = false;
  private held: Held[] | undefined;
  private heldSince = 0;
  private windowStartedAt = performance.now();
  private utilization = performance.eventLoopUtilization();
  private busyWindows = 0;
  /** What had ended, of the requests of both stretches, when the window began. */
  private endedBefore = 0;
  /** Requests that end in a millisecond, while the event loop is busy all the time. */
  private rate = 0;

  /** `refuse` answers a request that is not taken. */
  constructor(private readonly refuse: RequestHandler) {}

  /** Hands a request to `handle`, at once or after a moment, or refuses it. */
  enter(handle: RequestHandler, request: IncomingMessage, response: ServerResponse): void {
    const at = performance.now();
    if (!this.isTurnOpen) this.beginTurn(at);
    if (at - this.windowStartedAt >= WINDOW_MS) this.endWindow(at);
    if (this.busyWindows < WINDOWS_MIN) return this.take(handle, request, response);
    if (this.held === undefined && this.backlogSince !== undefined && at - this.backlogSince > BACKLOG_MAX_MS) {
      this.held = [];
      this.heldSince = at;
    }
    if (this.held) {
      this.held.push({ handle, request, response });
      if (at - this.heldSince > HOLD_MAX_MS) this.release();
      return;
    }
    if (this.working >= this.limit || (this.inTurn >= ADMITTED_MIN && at - this.turnStartedAt > TURN_MAX_MS))
      this.refuse(request, response);
    else this.take(handle, request, response);
  }

  /** Notes that a connection was accepted. */
  readonly accepted = (): void => {
    this.hasAccepted = true;
    if (this.backlogSince !== undefined) return;
    this.backlogSince = performance.now();
    setImmediate(this.lookAtBacklog);
  };

  private readonly lookAtBacklog = (): void => {
    if (this.hasAccepted) {
      this.hasAccepted = false;
      setImmediate(this.lookAtBacklog);
      return;
    }
    this.backlogSince = undefined;
    this.release();
  };

  private readonly endTurn = (): void => {
    this.isTurnOpen = false;
  };

  private get limit(): number {
    return Math.max(ADMITTED_MIN, this.rate * WORK_MAX_MS);
  }

  /** Requests under way, but for those that go on for long. */
  private get working(): number {
    return this.stretch.underWay + this.stretchBefore.underWay;
  }

  private take(handle: RequestHandler, request: IncomingMessage, response: ServerResponse): void {
    this.inTurn++;
    this.stretch.underWay++;
    response.once('close', this.stretch.end);
    handle(request, response);
  }

  /**
   * Takes the first of those that were held, and refuses the others before that, so that they need not wait any longer.
   */
  private release(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    const taken = Math.max(0, Math.floor(this.limit - this.working));
    for (const { request, response } of held.slice(taken)) this.refuse(request, response);
    for (const { handle, request, response } of held.slice(0, taken)) this.take(handle, request, response);
  }

  private beginTurn(at: number): void {
    this.isTurnOpen = true;
    this.turnStartedAt = at;
    this.inTurn = 0;
    setImmediate(this.endTurn);
  }

  private endWindow(at: number): void {
    const utilization = performance.eventLoopUtilization();
    const isBusy = performance.eventLoopUtilization(utilization, this.utilization).utilization >= SATURATED;
    const rate = (this.stretch.ended + this.stretchBefore.ended - this.endedBefore) / (at - this.windowStartedAt);
    if (isBusy) this.rate = this.busyWindows === 0 ? rate : this.rate + NEWEST * (rate - this.rate);
    this.busyWindows = isBusy ? this.busyWindows + 1 : 0;
    this.utilization = utilization;
    this.windowStartedAt = at;
    if (at - this.stretchStartedAt >= RECENT_MS) {
      this.stretchBefore = this.stretch;
      this.stretch = new Stretch();
      this.stretchStartedAt = at;
    }
    this.endedBefore = this.stretch.ended + this.stretchBefore.ended;
  }
}

/** The requests that were taken within a stretch of time. */
class Stretch {
  underWay = 0;
  ended = 0;

  readonly end = (): void => {
    this.underWay--;
    this.ended++;
  };
}
