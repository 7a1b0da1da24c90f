import { randomFillSync } from 'node:crypto';

/** What crosses a boundary, so that the spans behind it join the trace: W3C Trace Context and W3C Baggage. */
export interface TraceContext {
  /** Names the parent span. */
  readonly traceparent: string;
  /** What tracing systems add for themselves. At most 32 members and 512 characters. */
  readonly tracestate?: string | undefined;
  /** What the application sends along. At most 64 members and 8,192 characters. */
  readonly baggage?: string | undefined;
}

/** A W3C `traceparent`, of any version but `ff`, which is none; an id of zeros is none either. */
export const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
/** The longest `tracestate`, in characters, and its most members. */
export const TRACESTATE_CHARS_MAX = 512;
const TRACESTATE_MEMBERS_MAX = 32;
/** When a `tracestate` is too long, members from this length on are left out first. */
const TRACESTATE_MEMBER_LONG_CHARS = 128;
/** The longest `baggage`, in characters, and its most members. */
export const BAGGAGE_CHARS_MAX = 8_192;
const BAGGAGE_MEMBERS_MAX = 64;
/** Longer headers are not read at all. */
const READ_CHARS_MAX = 65_536;

const STATE_MEMBER =
  /^(?:[a-z][a-z\d_\-*/]{0,255}|[a-z\d][a-z\d_\-*/]{0,240}@[a-z][a-z\d_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const BAGGAGE_MEMBER =
  /^[!#$%&'*+.^_`|~\w-]+[ \t]*=[ \t]*[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*(?:[ \t]*;[\t\x20-\x2b\x2d-\x7e]*)?$/;

/**
 * Returns the trace context of received headers. What is malformed or too large is left out, and never fails the work.
 * `undefined` if nothing is left; only the `traceparent` if there is nothing else, so that the usual case costs no
 * object.
 */
export function traceOf(sent: {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly baggage?: string | undefined;
}): string | TraceContext | undefined {
  const traceparent =
    sent.traceparent !== undefined && TRACEPARENT.test(sent.traceparent) ? sent.traceparent : undefined;
  if (sent.tracestate === undefined && sent.baggage === undefined) return traceparent;
  // the state says something of the parent: without one it says nothing
  const tracestate = traceparent === undefined ? undefined : boundedTracestate(sent.tracestate);
  const baggage = boundedBaggage(sent.baggage);
  if (tracestate === undefined && baggage === undefined) return traceparent;
  return {
    traceparent: traceparent ?? newTraceparent(),
    ...(tracestate !== undefined && { tracestate }),
    ...(baggage !== undefined && { baggage }),
  };
}

/** A trace as a plain object, as headers of messages and requests carry it. */
export function traceHeadersOf(trace: string | TraceContext): TraceContext {
  if (typeof trace === 'string') return { traceparent: trace };
  const { traceparent, tracestate, baggage } = trace;
  return { traceparent, ...(tracestate !== undefined && { tracestate }), ...(baggage !== undefined && { baggage }) };
}

/**
 * A `tracestate` within its limits, as W3C Trace Context defines it. A malformed one, or one with too many members, is
 * dropped whole. One that is too long first loses its members over 128 characters, then the last ones.
 */
export function boundedTracestate(text: string | undefined): string | undefined {
  if (text === undefined || text.length > READ_CHARS_MAX) return undefined;
  let members = membersOf(text);
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  if (members.length > TRACESTATE_MEMBERS_MAX || keys.size < members.length) return undefined;
  if (!members.every((member) => STATE_MEMBER.test(member))) return undefined;
  if (lengthOf(members) > TRACESTATE_CHARS_MAX)
    members = members.filter((member) => member.length <= TRACESTATE_MEMBER_LONG_CHARS);
  while (lengthOf(members) > TRACESTATE_CHARS_MAX) members.pop();
  return members.length > 0 ? members.join(',') : undefined;
}

/** A `baggage` within its limits: members that are malformed, or for which there is no room, are left out. */
export function boundedBaggage(text: string | undefined): string | undefined {
  if (text === undefined || text.length > READ_CHARS_MAX) return undefined;
  const members: string[] = [];
  let length = -1;
  for (const member of membersOf(text)) {
    if (!BAGGAGE_MEMBER.test(member) || length + 1 + member.length > BAGGAGE_CHARS_MAX) continue;
    if (members.push(member) === BAGGAGE_MEMBERS_MAX) break;
    length += 1 + member.length;
  }
  return members.length > 0 ? members.join(',') : undefined;
}

/** The members of a list; empty ones are allowed and mean nothing. */
function membersOf(text: string): string[] {
  return text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

function lengthOf(members: readonly string[]): number {
  return members.reduce((sum, member) => sum + member.length + 1, -1);
}

/** Bytes of a trace id and of the span id that follows it. */
const IDS_BYTES = 24;
/**
 * Random bytes for the ids of many contexts, drawn at once: a draw per context costs more than the rest of the context.
 */
const random = Buffer.alloc(IDS_BYTES * 256);
let used = random.length;

/** A `traceparent` of a new trace. */
export function newTraceparent(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const from = used;
  used += IDS_BYTES;
  const ids = random.toString('hex', from, used);
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`;
}
