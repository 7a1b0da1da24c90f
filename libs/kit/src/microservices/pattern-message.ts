import { IsOptional } from 'class-validator';
import { classCodec, type CompiledMessage } from '../boundary/index.js';
import { IsJsonValue, type JsonValue, StartupError } from '../contract/index.js';

/** What a handler of a pattern is called with, as it crosses the boundary. Nest's own packets fit it, too. */
export class PatternCall {
  @IsOptional() @IsJsonValue() readonly data?: JsonValue;
  /** Names and texts, for `FledgeContext.getHeaders()`. */
  @IsOptional() @IsJsonValue() readonly headers?: JsonValue;
  /** What instrumentation added, for `FledgeContext.getMetadata()`. */
  @IsOptional() @IsJsonValue() readonly metadata?: JsonValue;
}

/** What a handler of a pattern answers: a packet of Nest, so that a stock client reads it as it is. */
export class PatternAnswer {
  @IsOptional() @IsJsonValue() readonly response?: JsonValue;
  @IsOptional() @IsJsonValue() readonly err?: JsonValue;
  @IsOptional() @IsJsonValue() readonly isDisposed?: JsonValue;
}

/** Milliseconds that a call of a pattern may take. */
export const PATTERN_DEADLINE_MS = 30_000;
/** Characters of a pattern, as Nest writes it. */
const PATTERN_CHARS_MAX = 200;
/** Patterns that one process may know, of all modules. */
const PATTERNS_MAX = 10_000;
/** No message of a contract has such a name, because parts of wire names begin with a letter. */
const MARK = '_pattern';
/** Printable ASCII. */
const PLAIN = /^[!-~]+$/;

const known = new Map<string, CompiledMessage>();

/** The name under which a module answers a pattern, in every topology: `inventory._pattern.stock.count`. */
export function patternName(module: string, route: string): string {
  return `${module}.${MARK}.${route}`;
}

/** Whether a wire name, or the part of a subject after the namespace, is that of a pattern. */
export function isPatternName(name: string): boolean {
  return name.split('.', 2)[1] === MARK;
}

/**
 * A pattern as a message, which every transport carries like those of contracts. The same object for the same pattern.
 * @throws StartupError for a pattern that cannot be part of a subject.
 */
export function patternMessage(module: string, route: string): CompiledMessage {
  const name = patternName(module, route);
  let message = known.get(name);
  if (message === undefined) {
    refuseUnfit(module, route);
    message = {
      kind: 'command',
      name,
      module,
      cls: PatternCall,
      result: PatternAnswer,
      errors: [],
      errorsByName: new Map(),
      deadlineMs: PATTERN_DEADLINE_MS,
      idempotent: false,
      input: classCodec(name, PatternCall, 'open'),
      output: classCodec(`the answer of ${name}`, PatternAnswer, 'open'),
    };
    known.set(name, message);
  }
  return message;
}

function refuseUnfit(module: string, route: string): void {
  const flaw =
    typeof route !== 'string' || !PLAIN.test(route)
      ? 'must consist of printable ASCII without spaces'
      : route.length > PATTERN_CHARS_MAX
        ? `must not be longer than ${PATTERN_CHARS_MAX} characters`
        : route.split('.').some((part) => part === '' || part === '*' || part === '>')
          ? 'must not have empty parts or wildcards'
          : known.size >= PATTERNS_MAX
            ? `is the ${PATTERNS_MAX + 1}th of this process: put what varies into the data`
            : undefined;
  if (flaw === undefined) return;
  throw new StartupError(
    'pattern',
    `the pattern ${JSON.stringify(route)} of ${module} ${flaw}`,
    "Use another pattern, such as 'stock.count'; or answer this one by a transport of Nest's own: connectMicroservice({ transport: Transport.NATS }).",
  );
}

/**
 * A value as the stock transports of Nest carry it, as JSON: a `Date` becomes text, and an instance a plain object. The
 * same in every topology. `undefined` for a value that JSON does not have.
 */
export function jsonOf(value: unknown): JsonValue | undefined {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
}
