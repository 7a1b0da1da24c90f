import { Logger } from '@nestjs/common';
import {
  type ActorClaim,
  type Call,
  CallContext,
  traceHeadersOf,
  type CompiledMessage,
  IDEMPOTENCY_KEY_CHARS_MAX,
  type Identity,
  type ModuleServer,
  now,
  type Outcomes,
  runHandler,
  type Timed,
  traceOf,
  TRACEPARENT,
  wheel,
} from '../boundary/index.js';
import {
  CallerNotAllowed,
  DeadlineExceeded,
  InvalidMessage,
  ModuleUnavailable,
  type UnavailableReason,
} from '../contract/index.js';
import { CALLER, parseBody } from './call-data.js';
import { declaredFailure, type Failure, faultOf, kitFailure, readFailure } from './failure.js';

const logger = new Logger('calls');

/** A call as plain data, which JSON and a structured clone can carry. */
export interface PlainRequest {
  /** The wire name of its message, e.g. `catalog.get-products.v1`. */
  readonly message: string;
  /** The calling module. A transport must prove it, or say that it does not. */
  readonly caller: string;
  /** The message as JSON text. */
  readonly body: string;
  /**
   * Milliseconds left for it; never a time of day, as the clocks of machines differ. Default: as long as its contract
   * allows.
   */
  readonly leftMs?: number;
  /** Who acts, if anybody. */
  readonly identity?: Identity;
  /** The user whose request began the work, where no user acts in it. */
  readonly onBehalfOf?: string;
  /** The signed proof of who acts. Where keys are pinned, nobody is believed without it. */
  readonly passport?: string;
  readonly idempotencyKey?: string;
  /** W3C Trace Context. A malformed or too large `tracestate` is left out by the callee. */
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** W3C Baggage; what is malformed or too large is left out by the callee. */
  readonly baggage?: string | undefined;
  /** The values of the application's context: JSON in ASCII, of at most 2,048 bytes. */
  readonly context?: string;
}

/** The answer to a call as plain data. */
export interface PlainReply {
  /** Whether `body` is the result; else it is a `Failure`. */
  readonly ok: boolean;
  /** JSON text; empty for a result that is `undefined`. */
  readonly body: string;
}

/**
 * The request of a call, for a transport's `sender`. Set `call.started` once it is sent, and `call.transport` if an
 * abandoned call must be cancelled at the callee.
 * @throws InvalidMessage when the message does not fit its contract.
 */
export function requestOf(input: object, call: Call): PlainRequest {
  const { message, caller, deadlineAt, parent, identity, onBehalfOf, idempotencyKey, values } = call;
  const passport = call.passport();
  return {
    message: message.name,
    caller,
    body: JSON.stringify(message.input.copy(input)),
    leftMs: deadlineAt - now(),
    ...(identity && { identity }),
    ...(onBehalfOf !== undefined && { onBehalfOf }),
    ...(passport !== undefined && { passport }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...((parent || call.hasTrace) && traceHeadersOf(call.trace)),
    ...(values && { context: values.text }),
  };
}

/**
 * Ends a call with its answer: with a copy of the result, or with the recreated error. An answer that does not fit the
 * contract becomes a `ModuleFault`.
 */
export function settle(call: Call, reply: PlainReply): void {
  let result: unknown;
  try {
    const { ok, body } = reply;
    if (!ok) {
      const { error, outcome } = readFailure(call, body);
      return call.fail(error, outcome);
    }
    result = call.message.output.decode(body === '' ? undefined : JSON.parse(body));
  } catch (error) {
    logger.error(
      `[${call.correlationId}] ${call.message.module} answered ${call.message.name} with something that its contract does not allow: ${String(error)}`,
    );
    return call.fail(faultOf(call, undefined), 'fault');
  }
  call.succeed(result);
}

/** Ends a call that nobody accepted: it has not run. */
export function refuse(call: Call, reason: UnavailableReason): void {
  call.fail(new ModuleUnavailable(call.message.module, call.message.name, reason), 'unavailable');
}

/** A received call that is being worked on. */
export interface ReceivedCall {
  /** Call it when the caller has given up: aborts the signal of the work and cancels its pending calls. */
  cancel(): void;
}

/**
 * Works on a call that a transport has received for a module that it serves. `answer` is called once: at once for a
 * call that cannot be taken, and at its deadline at the latest. Every call of this function runs the handler, so a
 * transport that may deliver a call twice must detect duplicates, or repeat only queries and calls with an idempotency
 * key.
 */
export function receive(
  server: ModuleServer,
  request: PlainRequest,
  answer: (reply: PlainReply) => void,
): ReceivedCall | undefined {
  if (!isSound(request))
    return refused(
      new InvalidMessage(`${server.module}.?`, [
        {
          path: '',
          rule: 'request',
          message:
            'is not a request: it needs a message, a caller and a body, and its other fields must have the right types',
        },
      ]),
      answer,
    );
  const message = server.messageNamed(request.message);
  const handler = message && server.handlerOf(message);
  if (message === undefined || handler === undefined)
    return refused(new ModuleUnavailable(server.module, request.message, 'missing'), answer);
  if (!server.admits(request.caller)) return refused(new CallerNotAllowed(request.caller, message.name), answer);
  const claim = claimOf(request);
  const unproven = server.prove(message, claim);
  if (unproven !== undefined) return refused(unproven, answer);
  const leftMs = Math.min(claim.leftMs ?? message.deadlineMs, message.deadlineMs);
  if (!(leftMs > 0)) return refused(new DeadlineExceeded(server.module, message.name, 'not-run'), answer);
  const refusal = server.refusal(request.caller);
  if (refusal !== undefined) return refused(new ModuleUnavailable(server.module, message.name, refusal), answer);
  const call = new Received(message, request, claim, now() + leftMs, answer);
  let input: object;
  try {
    call.values = server.contexts.read(message.name, request.context);
    input = message.input.decode(parseBody(message.name, request.body)) as object;
  } catch (error) {
    // A custom check of the contract may throw: that is a fault of the module.
    return refused(error instanceof InvalidMessage ? error : server.fault(message, call, error), answer);
  }
  wheel.watch(call);
  runHandler(server, message, handler, input, call, OUTCOMES);
  return call;
}

function claimOf({ caller, identity, onBehalfOf, passport, leftMs }: PlainRequest): ActorClaim {
  return { caller, identity, onBehalfOf, passport, leftMs };
}

class Received extends CallContext implements Timed, ReceivedCall {
  before: Timed | null = null;
  after: Timed | null = null;
  private answered = false;

  constructor(
    private readonly message: CompiledMessage,
    request: PlainRequest,
    private readonly actor: ActorClaim,
    deadlineAt: number,
    private readonly answer: (reply: PlainReply) => void,
  ) {
    const { caller, identity, onBehalfOf } = actor;
    super(
      message.module,
      caller,
      deadlineAt,
      identity,
      traceOf(request),
      request.idempotencyKey,
      undefined,
      onBehalfOf,
    );
  }

  override get chain(): readonly string[] {
    return this.actor.chain ?? [this.caller];
  }

  expire(): void {
    this.cancel();
    this.timeSpent();
  }

  reply(reply: PlainReply): void {
    wheel.letGo(this);
    if (this.answered) return;
    this.answered = true;
    try {
      this.answer(reply);
    } catch (error) {
      // the caller ends by its own deadline
      logger.error(`[${this.correlationId}] the answer of ${this.message.name} cannot be sent: ${String(error)}`);
    }
  }

  /** Sends the answer that the deadline has passed. */
  timeSpent(): void {
    this.reply(failed(kitFailure(new DeadlineExceeded(this.module, this.message.name, 'unknown'))));
  }
}

const OUTCOMES: Outcomes<Received> = {
  succeeded: (call, result) => call.reply({ ok: true, body: result === undefined ? '' : JSON.stringify(result) }),
  denied: (call, error) => call.reply(failed(kitFailure(error))),
  declared: (call, error, encoded) => call.reply(failed(declaredFailure(error, encoded))),
  interrupted: (call, error) => call.reply(failed(kitFailure(error))),
  faulted: (call, error) => call.reply(failed(kitFailure(error))),
  expired: (call) => call.timeSpent(),
};

function refused(error: Parameters<typeof kitFailure>[0], answer: (reply: PlainReply) => void): undefined {
  answer(failed(kitFailure(error)));
  return undefined;
}

function failed(failure: Failure): PlainReply {
  return { ok: false, body: JSON.stringify(failure) };
}

/** Whether a request is well-formed, whoever sent it. */
function isSound(request: unknown): request is PlainRequest {
  if (typeof request !== 'object' || request === null) return false;
  const {
    message,
    caller,
    body,
    leftMs = 0,
    identity,
    onBehalfOf = '',
    passport = '',
    idempotencyKey = '',
    traceparent = '',
    tracestate = '',
    baggage = '',
    context = '',
  } = request as Record<keyof PlainRequest, unknown>;
  if (
    typeof message !== 'string' ||
    typeof body !== 'string' ||
    typeof leftMs !== 'number' ||
    typeof idempotencyKey !== 'string' ||
    idempotencyKey.length > IDEMPOTENCY_KEY_CHARS_MAX ||
    typeof context !== 'string' ||
    typeof onBehalfOf !== 'string' ||
    typeof passport !== 'string'
  )
    return false;
  if (
    typeof caller !== 'string' ||
    !CALLER.test(caller) ||
    typeof traceparent !== 'string' ||
    (traceparent !== '' && !TRACEPARENT.test(traceparent)) ||
    typeof tracestate !== 'string' ||
    typeof baggage !== 'string'
  )
    return false;
  if (identity === undefined) return true;
  const { subject, roles, scopes = [] } = (identity ?? {}) as Record<keyof Identity, unknown>;
  return typeof subject === 'string' && isTexts(roles) && isTexts(scopes);
}

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((text) => typeof text === 'string');
}
