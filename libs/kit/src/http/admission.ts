import type { IncomingMessage, ServerResponse } from 'node:http';

/** Handles a request that was routed to it. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Concurrent requests that are always admitted: below this number, a few slow requests are no overload. */
export const ADMITTED_MIN = 32;
/**
 * Requests are admitted for this many milliseconds of work at a time: those in progress then end in about twice that.
 */
const WORK_MAX_MS = 300;
/**
 * Milliseconds for which one turn of the event loop takes requests, and for which connections may wait to be accepted.
 */
const TURN_MAX_MS = 150;
const BACKLOG_MAX_MS = 50;
/** The longest that requests are held, in milliseconds. */
const HOLD_MAX_MS = 200;
/**
 * The event loop is observed in windows of this many milliseconds, and must be busy in this many windows in a row: a
 * burst is no overload.
 */
const WINDOW_MS = 200;
const WINDOWS_MIN = 3;
/** The busy share of a window from which on this process is at its limit. */
const SATURATED = 0.95;
/**
 * Milliseconds after which, at the earliest, an unfinished request is no longer counted: an event stream is not work
 * that waits.
 */
const RECENT_MS = 1_000;
/** The weight of the newest window in the rate. */
const NEWEST = 0.3;

interface Held {
  readonly handle: RequestHandler;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Decides which requests a process accepts: all, unless its event loop has been constantly busy for a while. Then only
 * as many as it can finish within about half a second; the others are refused at once. A request that is slow without
 * keeping this process busy, such as one that waits for another service, is never the reason for a refusal.
 *
 * Requests wait in three places, and each is measured. In progress: their number against the rate at which requests end
 * (Little's law). On accepted connections: the time that the event loop takes for the data before them. On connections
 * that the system has not handed over yet: Node accepts one per turn, so if every turn has accepted one for a while,
 * new requests are held, not handled, until no more arrive or for a fifth of a second, which reveals how many there
 * are. This is CoDel's idea (RFC 8289) that only a standing queue is a problem, with the queue made visible first.
 *
 * It uses no timer. A request costs one reading of the clock, and each turn of the event loop with requests one
 * immediate.
 */
export class Admission {
  /** The current stretch of `RECENT_MS`, and the one before it. */
  private stretch = new Stretch();
  private stretchBefore = new Stretch();
  private stretchStartedAt = performance.now();
  private turnStartedAt = 0;
  private inTurn = 0;
  private isTurnOpen = false;
  /** Since when every turn has accepted a connection; `undefined` if the last turn did not. */
  private backlogSince: number | undefined;
  private hasAccepted = false;
  private held: Held[] | undefined;
  private heldSince = 0;
  private windowStartedAt = performance.now();
  private utilization = performance.eventLoopUtilization();
  private busyWindows = 0;
  /** How many requests of both stretches had ended when the window began. */
  private endedBefore = 0;
  /** Requests that end per millisecond while the event loop is constantly busy. */
  private rate = 0;

  /** `refuse` answers a request that is not admitted. */
  constructor(private readonly refuse: RequestHandler) {}

  /** Passes a request to `handle`, at once or after a moment, or refuses it. */
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

  /** Whether another connection that is no request, such as a WebSocket, is admitted. */
  get isOpen(): boolean {
    const at = performance.now();
    if (at - this.windowStartedAt >= WINDOW_MS) this.endWindow(at);
    return this.busyWindows < WINDOWS_MIN || this.working < this.limit;
  }

  /** Records that a connection was accepted. */
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

  /** Requests in progress, without long-running ones. */
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
   * Admits the first of the held requests, and before that refuses the others, so that they need not wait any longer.
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

/** The requests that were admitted in a period of time. */
class Stretch {
  underWay = 0;
  ended = 0;

  readonly end = (): void => {
    this.underWay--;
    this.ended++;
  };
}
