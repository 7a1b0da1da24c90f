import { Logger } from '@nestjs/common';
import { InvalidMessage, ModuleUnavailable, type UnavailableReason, UndeclaredDependency } from '@fledge/kit/contract';
import {
  type Abandonable,
  type Call,
  type CompiledMessage,
  faultOf,
  now,
  outcomeOf,
  readFailure,
  type Send,
} from '@fledge/kit/transport';
import { isFailure } from './failure-text.js';
import { actorLines, contextLines, HEADERS_START } from './headers.js';
import { type JsonWriter, messageWriter } from './json.js';
import { InFlight, type Numbered } from './in-flight.js';
import type { Subjects } from './subjects.js';
import { callToken, processToken, TOKEN_CHARS } from './tokens.js';
import { bodyOf, type WireMessage, hasHeaders, headersOf, subjectHas, subjectNumber } from './wire-message.js';
import type { Subscription, Wire } from './wire.js';

/** How long a call waits for a lost connection to come back, in milliseconds, within its deadline. */
export const RECONNECT_WAIT_MS = 1_000;
/** After a reconnect, for this long, 'no responders' may only mean that the callee has not reconnected yet. */
const RECONNECT_GRACE_MS = 1_000;
/**
 * A call that may run twice is sent again after this long without a sign of life, or after half of its remaining time.
 */
const SILENCE_MAX_MS = 1_000;
/** But never sooner: a healthy callee has reported 'working' by then (see `Work.noticeEveryMs`). */
const SILENCE_MIN_MS = 250;
/** How often a call is sent again because of silence. */
const RESENDS_MAX = 2;
/**
 * How often a call is sent again, at once, because a replica was draining. The server picks a replica at random, so a
 * low limit would not suffice: with one of two draining, eight attempts all hit the wrong one for one call in 500; this
 * many never do.
 */
const DRAINING_RESENDS_MAX = 32;

const logger = new Logger('nats');

/** The shared data of all calls of one caller for one message, created once. */
class Route {
  readonly subject: string;
  readonly headersStart: string;
  readonly write: JsonWriter;

  constructor(
    readonly caller: string,
    readonly message: CompiledMessage,
    subjects: Subjects,
    /** Where its answers arrive; each call adds its token and number. */
    readonly inbox: string,
    ids: string,
  ) {
    this.subject = subjects.call(message.name, caller);
    this.write = messageWriter(message.cls);
    this.headersStart = `${HEADERS_START}Fledge-Id: ${ids}.`;
  }
}

/** A call that waits for its answer. */
class Pending implements Abandonable, Numbered {
  silenceMs = 0;
  heardAt = 0;
  resends = 0;
  drainings = 0;
  /** Part of its reply subject: whoever sees one call cannot answer another. */
  readonly token = callToken();
  /** While it waits to be sent, for the connection or the callee to return: the end of that wait. */
  parkedUntil = 0;

  constructor(
    private readonly requests: Requests,
    readonly number: number,
    readonly route: Route,
    readonly call: Call,
    readonly body: string,
  ) {}

  /** Whether it is safe to run twice. */
  get mayRepeat(): boolean {
    return this.route.message.idempotent || this.call.idempotencyKey !== undefined;
  }

  abandon(): void {
    this.requests.abandon(this);
  }
}

/**
 * The calling side: all calls of a module here share one subscription for replies,
 * `_INBOX.<namespace>.<module>.<unguessable>.<token><number>`, whose number identifies the call. A call has no timer of
 * its own: its deadline is on the wheel, and slower events are checked by `beat`.
 */
export class Requests {
  private readonly pending = new InFlight<Pending>();
  /** By caller: the start of its reply subjects. */
  private readonly inboxes = new Map<string, string>();
  /** Unique to this process; the first part of its calls' ids, which callees see. */
  private readonly ids = processToken();
  private reconnectedAt = -Infinity;
  private closed = false;
  private readonly subscriptions: Subscription[] = [];
  /** Set once the server refuses a subscription to replies: the answers to that caller's calls never arrive. */
  denied: { readonly caller: string; readonly error: Error } | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly subjects: Subjects,
  ) {}

  sender(caller: string, message: CompiledMessage): Send {
    const route = new Route(caller, message, this.subjects, this.inboxOf(caller), this.ids);
    return (input, call) => this.send(route, input, call);
  }

  private inboxOf(caller: string): string {
    let inbox = this.inboxes.get(caller);
    if (inbox === undefined) {
      inbox = `${this.subjects.inbox(caller)}.${processToken()}.`;
      const { length } = inbox;
      this.inboxes.set(caller, inbox);
      this.subscriptions.push(
        this.wire.subscribe(
          `${inbox}*`,
          undefined,
          (delivery) => this.take(delivery, length),
          (error) => (this.denied ??= { caller, error }),
        ),
      );
    }
    return inbox;
  }

  /** Ends every call and the subscription. Calls that were sent may run: their outcome is unknown. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { call } of this.pending) call.cancel();
    await Promise.all(this.subscriptions.map((subscription) => subscription.drain()));
  }

  /** Runs ten times a second: sends parked calls or gives up on them, and repeats calls that stayed silent. */
  beat(at: number): void {
    for (const pending of this.pending) {
      if (pending.parkedUntil > 0) this.unpark(pending, at);
      else if (
        at - pending.heardAt >= pending.silenceMs &&
        pending.resends < RESENDS_MAX &&
        pending.mayRepeat &&
        this.wire.isConnected &&
        pending.call.mayRetry(at)
      ) {
        pending.resends++;
        this.transmit(pending, pending.call.deadlineAt - at, at);
      }
    }
  }

  reconnected(): void {
    this.reconnectedAt = now();
    this.beat(this.reconnectedAt);
  }

  /** The broker denies this process a call that `uses` would forbid in one process. */
  publishDenied(subject: string): void {
    for (const pending of this.pending) {
      if (pending.route.subject === subject)
        this.fail(pending, new UndeclaredDependency(pending.route.caller, pending.route.message.name));
    }
  }

  /** Frees the state of a call that ended without an answer, and informs the callee. */
  abandon(pending: Pending): void {
    this.pending.delete(pending);
    if (pending.parkedUntil > 0 || !this.wire.isConnected) return;
    const { caller, message } = pending.route;
    this.wire.publish(this.subjects.cancellations(message.module, caller), '', '', `${this.ids}.${pending.number}`);
  }

  private send(route: Route, input: object, call: Call): void {
    // A message that cannot be carried throws here, as in one process: nothing is sent.
    const body = route.write(route.message.input.copy(input));
    const pending = new Pending(this, this.pending.next(), route, call, body);
    call.transport = pending;
    this.pending.add(pending);
    if (this.wire.isConnected) this.transmit(pending, call.deadlineAt - call.startedAt, call.startedAt);
    else this.park(pending, 'disconnected');
  }

  private transmit(pending: Pending, leftMs: number, at: number): void {
    const { call, route, number } = pending;
    const context =
      call.parent === undefined && !call.hasTrace
        ? ''
        : actorLines(call.identity, call.onBehalfOf, call.passport()) +
          contextLines(call.idempotencyKey, call.trace, call.values?.text);
    const resent = pending.resends > 0 ? 'Fledge-Resent: 1\r\n' : '';
    const headers = `${route.headersStart}${number}\r\nFledge-Left-Ms: ${Math.round(leftMs)}\r\n${resent}${context}\r\n`;
    pending.parkedUntil = 0;
    pending.heardAt = at;
    pending.silenceMs = Math.max(SILENCE_MIN_MS, Math.min(SILENCE_MAX_MS, leftMs / 2));
    if (!this.wire.publish(route.subject, `${route.inbox}${pending.token}${number}`, headers, pending.body))
      return this.refuseSize(pending);
    call.started = true;
  }

  private take(delivery: WireMessage, inboxLength: number): void {
    const pending = this.pending.get(subjectNumber(delivery, inboxLength + TOKEN_CHARS));
    // also what somebody sent who knows the inbox and guesses the number
    if (pending === undefined || !subjectHas(delivery, inboxLength, pending.token)) return;
    if (hasHeaders(delivery)) {
      const headers = headersOf(delivery);
      if (headers.startsWith('NATS/1.0 102')) return this.heard(pending);
      if (headers.startsWith('NATS/1.0 503')) return this.noResponders(pending);
      if (isFailure(headers)) return this.takeFailure(pending, delivery);
    }
    this.pending.delete(pending);
    const { call } = pending;
    let result: unknown;
    try {
      const body = bodyOf(delivery);
      result = call.message.output.decode(body === '' ? undefined : JSON.parse(body));
    } catch (error) {
      logger.error(
        `[${call.correlationId}] ${call.message.module} answered ${call.message.name} with something that its contract does not allow: ${String(error)}`,
      );
      return call.fail(faultOf(call, undefined), 'fault');
    }
    call.succeed(result);
  }

  private heard(pending: Pending): void {
    pending.heardAt = now();
  }

  private noResponders(pending: Pending): void {
    // After a silence, the first attempt may still be running: only its answer or the deadline ends the call.
    if (pending.resends > 0) return;
    if (now() - this.reconnectedAt < RECONNECT_GRACE_MS) return this.park(pending, 'missing');
    this.fail(pending, this.unavailable(pending, pending.drainings > 0 ? 'draining' : 'missing'));
  }

  private takeFailure(pending: Pending, delivery: WireMessage): void {
    const { error, outcome, unavailable } = readFailure(pending.call, bodyOf(delivery));
    if (unavailable === 'draining' && pending.drainings < DRAINING_RESENDS_MAX && this.wire.isConnected) {
      // It never ran there, and a draining replica accepts nothing more: try another one.
      pending.drainings++;
      const at = now();
      return this.transmit(pending, pending.call.deadlineAt - at, at);
    }
    this.pending.delete(pending);
    pending.call.fail(error, outcome);
  }

  /** Keeps a call that certainly has not run, to send it later. */
  private park(pending: Pending, reason: UnavailableReason): void {
    if (this.closed || this.wire.isClosed) return this.fail(pending, this.unavailable(pending, reason));
    pending.call.started = false;
    pending.parkedUntil = now() + RECONNECT_WAIT_MS;
  }

  private unpark(pending: Pending, at: number): void {
    if (this.wire.isConnected) this.transmit(pending, pending.call.deadlineAt - at, at);
    else if (at >= pending.parkedUntil) this.fail(pending, this.unavailable(pending, 'disconnected'));
  }

  private refuseSize(pending: Pending): void {
    const { name } = pending.route.message;
    this.fail(
      pending,
      new InvalidMessage(name, [
        {
          path: '',
          rule: 'too-large',
          message: `is larger than the ${this.wire.payloadMaxBytes} bytes that the broker takes: send less, or a page at a time`,
        },
      ]),
    );
  }

  private unavailable({ route }: Pending, reason: UnavailableReason): ModuleUnavailable {
    return new ModuleUnavailable(route.message.module, route.message.name, reason);
  }

  private fail(pending: Pending, error: Error): void {
    this.pending.delete(pending);
    pending.call.fail(error, outcomeOf(error));
  }
}
