import { Logger } from '@nestjs/common';
import {
  type AccessDenied,
  CallerNotAllowed,
  DeadlineExceeded,
  InvalidMessage,
  type ModuleFault,
  ModuleUnavailable,
} from '@fledge/kit/contract';
import {
  type CompiledError,
  type EncodedError,
  type Handler,
  type ModuleServer,
  now,
  type Outcomes,
  parseBody,
  runHandler,
  wheel,
} from '@fledge/kit/transport';
import { bodyOf, type WireMessage, hasHeaders, headersOf, replyOf, subjectTail } from './wire-message.js';
import { type Caller, Callers, type ClientRules } from './callers.js';
import { Endpoint } from './endpoint.js';
import { declaredFailureText, type FailureText, kitFailureText, packetOf } from './failure-text.js';
import { HEADERS_START, noHeaders, readHeaders } from './headers.js';
import { InFlight } from './in-flight.js';
import { resultPackets } from './nest-packet.js';
import { INBOXES, type Subjects } from './subjects.js';
import type { Subscription, Wire } from './wire.js';
import { Work, type WorkOwner } from './work.js';

const logger = new Logger('nats');
const SHOWN_CHARS_MAX = 100;
const WORKING = `${HEADERS_START.trimEnd()} 102 Working\r\n\r\n`;

/** What a subject says: which message, and who calls. */
interface Address {
  readonly endpoint: Endpoint;
  readonly caller: Caller;
}

/** The most subjects that are remembered; an application has fewer. */
const ADDRESSES_MAX = 20_000;

/** Where an answer goes, in what form, and since when the caller waits. Work is one itself. */
interface Reply {
  readonly reply: string;
  readonly asksPacket: boolean;
  readonly startedAt: number;
}

/**
 * The answering side, for one module: one queue subscription for all its messages, so that replicas share them. The
 * module server decides what may be accepted and when to drain, as in one process.
 *
 * A call is never started after its deadline. The time that a message spent in this process's own socket buffer, behind
 * a blocked event loop, is unknown: `Fledge-Left-Ms` counts from when the message is read.
 */
export class Responder implements WorkOwner, Outcomes<Work> {
  readonly endpoints: readonly Endpoint[];
  private readonly bySubject = new Map<string, Endpoint>();
  private readonly callers: Callers;
  /** By the subject after the name of the module: what was read from it before. */
  private readonly addresses = new Map<string, Address>();
  private readonly prefixLength: number;
  private readonly underWay = new InFlight<Work>();
  /** The work in progress by the ids of the calls, cached for the current turn of the event loop. */
  private byId: Map<string, Work> | undefined;
  private subscription: Subscription | undefined;
  private cancellations: Subscription | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly subjects: Subjects,
    private readonly moduleServer: ModuleServer,
    rules: ClientRules,
  ) {
    this.callers = new Callers(subjects, moduleServer, rules);
    this.endpoints = moduleServer.messages.map(
      (message) => new Endpoint(message, subjects.message(message.name), moduleServer.handlerOf(message)),
    );
    this.prefixLength = subjects.message(moduleServer.module).length + 1;
    for (const endpoint of this.endpoints) this.bySubject.set(endpoint.subject.slice(this.prefixLength), endpoint);
  }

  get module(): string {
    return this.moduleServer.module;
  }

  /** Subscribes; `denied` is called if the server refuses it. */
  open(denied: (error: Error) => void): void {
    const { module } = this.moduleServer;
    const cancelled = this.subjects.cancellations(module, '').length;
    this.subscription = this.wire.subscribe(
      this.subjects.module(module),
      module,
      (delivery) => this.take(delivery),
      denied,
    );
    this.cancellations = this.wire.subscribe(
      this.subjects.cancellations(module, '*'),
      undefined,
      (delivery) => this.cancel(bodyOf(delivery), subjectTail(delivery, cancelled)),
      denied,
    );
  }

  /** Unsubscribes, handles what had been delivered until then, and resolves when everything is answered. */
  async drain(): Promise<void> {
    await this.subscription?.drain();
    await this.moduleServer.drain();
    await this.cancellations?.drain();
  }

  /** Tells the callers of long-running work that it continues. */
  beat(at: number): void {
    for (const work of this.underWay) {
      if (at < work.noticeAt || work.answered) continue;
      work.noticeAt = at + work.noticeEveryMs;
      this.wire.publish(work.reply, '', WORKING, '');
    }
  }

  private take(delivery: WireMessage): void {
    const at = now();
    const reply = replyOf(delivery);
    const name = subjectTail(delivery, this.prefixLength);
    const address = this.addresses.get(name) ?? this.addressOf(name, reply);
    const headers = hasHeaders(delivery) ? readHeaders(headersOf(delivery)) : noHeaders();
    const to: Reply = { reply, asksPacket: headers?.asksPacket ?? false, startedAt: at };
    if (address === undefined) return this.answerUnknown(to, name);
    const { endpoint, caller } = address;
    const { message } = endpoint;
    if (!caller.owns(reply)) return this.refuseReply(endpoint, caller, reply);
    if (!caller.isAdmitted)
      return this.fail(
        endpoint,
        to,
        kitFailureText(new CallerNotAllowed(caller.name, message.name)),
        `${caller.name} may not call it`,
      );
    if (headers === undefined)
      return this.invalid(
        endpoint,
        to,
        new InvalidMessage(message.name, [{ path: '', rule: 'headers', message: 'has a malformed Fledge header' }]),
      );
    const known = headers.isResent ? this.find(headers.id, caller.name) : undefined;
    // The caller has heard nothing, though the call is running here.
    if (known !== undefined) return void (known.noticeAt = Math.min(known.noticeAt, at));
    headers.caller = caller.name;
    const unproven = this.moduleServer.prove(message, headers);
    if (unproven !== undefined) return this.fail(endpoint, to, kitFailureText(unproven), unproven.message);
    const leftMs = headers.leftMs === undefined ? message.deadlineMs : Math.min(headers.leftMs, message.deadlineMs);
    if (leftMs <= 0)
      return this.fail(
        endpoint,
        to,
        kitFailureText(new DeadlineExceeded(this.module, message.name, 'not-run')),
        'its deadline passed',
      );
    const refusal = endpoint.handler === undefined ? 'missing' : this.moduleServer.refusal(caller.name);
    if (refusal !== undefined)
      return this.fail(
        endpoint,
        to,
        kitFailureText(new ModuleUnavailable(this.module, message.name, refusal)),
        refusal,
      );
    const work = new Work(this, this.underWay.next(), endpoint, reply, at, leftMs, headers);
    let input: object;
    try {
      work.values = this.moduleServer.contexts.read(message.name, headers.context);
      input = message.input.decode(parseBody(message.name, bodyOf(delivery))) as object;
    } catch (error) {
      // A custom check of the contract may throw: that is a fault of the module.
      return error instanceof InvalidMessage ? this.invalid(endpoint, to, error) : this.answerFault(work, error);
    }
    this.run(work, input);
  }

  /**
   * Reads a subject, after the name of the module: `reserve-stock.v1.ordering`, or without the caller. `undefined` if
   * the module has no such message.
   *
   * If the module answers the patterns `stock` and `stock.ordering`, the subject of the second is also that of a call of
   * the first by `ordering`. Then whoever must name itself has done so, and otherwise the inbox for the answer tells.
   */
  private addressOf(name: string, reply: string): Address | undefined {
    const end = name.lastIndexOf('.');
    const whole = this.bySubject.get(name);
    const start = this.bySubject.get(name.slice(0, end));
    const unnamed = whole && { endpoint: whole, caller: this.callers.unnamed() };
    const named = start && { endpoint: start, caller: this.callers.named(name.slice(end + 1)) };
    if (unnamed && named) return !unnamed.caller.isAdmitted || reply.startsWith(named.caller.inbox) ? named : unnamed;
    const address = unnamed ?? named;
    // names that are not admitted are endless
    if (address?.caller.isAdmitted && this.addresses.size < ADDRESSES_MAX) this.addresses.set(name, address);
    return address;
  }

  /** A reply to a subject that is not the caller's would be a message in this module's name. */
  private refuseReply(endpoint: Endpoint, caller: Caller, reply: string): void {
    const why = `it asks for its answer at '${reply.slice(0, SHOWN_CHARS_MAX)}', which is no inbox of ${caller.name}`;
    endpoint.countFailure(0, 403, why);
    logger.warn(`a call of ${endpoint.message.name} is dropped: ${why}`);
  }

  private answerUnknown(to: Reply, name: string): void {
    if (to.reply.startsWith(INBOXES))
      this.answer(to, kitFailureText(new ModuleUnavailable(this.module, `${this.module}.${name}`, 'missing')));
  }

  private cancel(id: string, caller: string): void {
    this.find(id, caller)?.cancel();
  }

  /**
   * The running call of a caller with an id: for calls that were cancelled or sent again. They are rare, or come in bursts; all
   * others need no index.
   */
  private find(id: string, caller: string): Work | undefined {
    if (this.byId === undefined) {
      this.byId = new Map();
      for (const work of this.underWay) this.index(work);
      setImmediate(() => (this.byId = undefined));
    }
    const work = this.byId.get(id);
    return work?.caller === caller ? work : undefined;
  }

  private index(work: Work): void {
    if (work.id !== '') this.byId?.set(work.id, work);
  }

  private run(work: Work, input: object): void {
    wheel.watch(work);
    this.underWay.add(work);
    this.index(work);
    runHandler(this.moduleServer, work.endpoint.message, work.endpoint.handler as Handler, input, work, this);
  }

  succeeded(work: Work, result: unknown): void {
    let body: string;
    try {
      body = work.endpoint.write(result);
    } catch (error) {
      return this.faulted(work, this.moduleServer.fault(work.endpoint.message, work, error));
    }
    this.end(work);
    if (work.answered) return;
    if (work.reply !== '' && !this.send(work, body))
      return this.answerFault(
        work,
        new Error(`the result is larger than the ${this.wire.payloadMaxBytes} bytes that the broker takes`),
      );
    work.endpoint.count(now() - work.startedAt);
  }

  /** Whether the broker takes the result. */
  private send({ reply, asksPacket, endpoint }: Work, body: string): boolean {
    if (!asksPacket) return this.wire.publish(reply, '', '', body);
    return resultPackets(endpoint.message.name, body).every((packet) => this.wire.publish(reply, '', '', packet));
  }

  denied(work: Work, error: AccessDenied): void {
    this.end(work);
    if (!work.answered) this.fail(work.endpoint, work, kitFailureText(error), error.message);
  }

  declared(work: Work, error: CompiledError, encoded: EncodedError): void {
    this.end(work);
    if (!work.answered) this.fail(work.endpoint, work, declaredFailureText(error, encoded), encoded.message);
  }

  interrupted(work: Work, error: ModuleUnavailable): void {
    this.end(work);
    if (!work.answered) this.fail(work.endpoint, work, kitFailureText(error), error.message);
  }

  faulted(work: Work, error: ModuleFault): void {
    this.end(work);
    if (!work.answered) this.fail(work.endpoint, work, kitFailureText(error), `fault ${work.correlationId}`);
  }

  expired(work: Work): void {
    this.end(work);
    if (!work.answered) this.timeSpent(work);
  }

  /** Called by the timer wheel at the deadline; the handler may still be running. */
  timeSpent(work: Work): void {
    this.fail(
      work.endpoint,
      work,
      kitFailureText(new DeadlineExceeded(this.module, work.endpoint.message.name, 'unknown')),
      'its deadline passed',
    );
    work.answered = true;
  }

  private answerFault(work: Work, error: unknown): void {
    const fault = this.moduleServer.fault(work.endpoint.message, work, error);
    if (!work.answered) this.fail(work.endpoint, work, kitFailureText(fault), `fault ${work.correlationId}`);
  }

  private end(work: Work): void {
    wheel.letGo(work);
    this.underWay.delete(work);
    this.byId?.delete(work.id);
  }

  private invalid(endpoint: Endpoint, to: Reply, error: InvalidMessage): void {
    this.fail(endpoint, to, kitFailureText(error), error.message);
  }

  private fail(endpoint: Endpoint, to: Reply, failure: FailureText, reason: string): void {
    endpoint.countFailure(now() - to.startedAt, failure.serviceCode, reason);
    this.answer(to, failure);
  }

  private answer({ reply, asksPacket }: Reply, failure: FailureText): void {
    const { headers, body } = asksPacket ? packetOf(failure) : failure;
    // The body is too large: without it, it is still a failure to every client.
    if (reply !== '' && !this.wire.publish(reply, '', headers, body)) this.wire.publish(reply, '', headers, '');
  }
}
