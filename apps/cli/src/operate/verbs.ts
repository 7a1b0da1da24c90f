import { nearest } from '@fledge/kit/operator';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { usageError } from '../command.js';

/** An option's name, and whether a value follows it. */
export type Options = Readonly<Record<string, 'text' | 'flag'>>;

/** A parsed command line. */
export interface Line {
  /** The arguments that are not options. */
  readonly words: readonly string[];
  text(option: string): string | undefined;
  has(option: string): boolean;
}

/** The syntax of a command: `fledge dead-letters show <module> <consumer> <id> [--json]`. */
export interface Grammar {
  readonly usage: string;
  /** The allowed numbers of arguments. */
  readonly words: readonly number[] | 'any';
  readonly options: Options;
}

/** Parses a command line. @throws StartupError with the usage if it does not match. */
export function parseLine({ usage, words, options }: Grammar, args: readonly string[]): Line {
  const config: ParseArgsConfig['options'] = Object.fromEntries(
    Object.entries(options).map(([name, kind]) => [name, { type: kind === 'flag' ? 'boolean' : 'string' }]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...args], options: config, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(usage, (error as Error).message.split('. ')[0] ?? 'it cannot be read');
  }
  const { values, positionals } = parsed;
  if (words !== 'any' && !words.includes(positionals.length))
    throw usageError(usage, `it takes ${words.join(' or ')} arguments, but got ${positionals.length}`);
  return {
    words: positionals,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
    has: (option) => values[option] === true,
  };
}

/** A subcommand. */
export interface Verb extends Grammar {
  run(line: Line): Promise<number>;
}

/**
 * Runs the subcommand that is named first. With `--help`, prints its usage, or all usages if none is named.
 * @throws StartupError with all usages if there is no such subcommand.
 */
export async function runVerb(
  command: string,
  verbs: Readonly<Record<string, Verb>>,
  [name, ...rest]: readonly string[],
): Promise<number> {
  const verb = name !== undefined && Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if ([name, ...rest].some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(`Usage: ${usagesOf(verb ? [verb] : Object.values(verbs))}\n`);
    return 0;
  }
  if (verb) return verb.run(parseLine(verb, rest));
  const guess = name === undefined ? undefined : nearest(name, Object.keys(verbs));
  const fact =
    name === undefined
      ? `fledge ${command} needs a subcommand`
      : `fledge ${command} has no subcommand '${name}'${guess ? `; did you mean '${guess}'?` : ''}`;
  throw usageError(usagesOf(Object.values(verbs)), fact);
}

function usagesOf(verbs: readonly Verb[]): string {
  return verbs.map(({ usage }) => usage).join('\n       ');
}

/** A number of rows. @throws StartupError if it is not one. */
export function limitOf(line: Line, usage: string, most: number, byDefault: number): number {
  const text = line.text('limit');
  const limit = text === undefined ? byDefault : Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw usageError(usage, `--limit is a number from 1 to ${most.toLocaleString('en')}, but got '${text}'`);
}

/** One of the given words, if the option is present. @throws StartupError for any other word. */
export function wordOf<W extends string>(
  line: Line,
  option: string,
  words: readonly W[],
  usage: string,
): W | undefined {
  const text = line.text(option);
  const word = words.find((candidate) => candidate === text);
  if (text === undefined || word !== undefined) return word;
  throw usageError(usage, `--${option} is ${words.join(', ')}, but got '${text}'`);
}

/** The id of a message. @throws StartupError if it cannot be one. */
export function messageId(text: string, usage: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw usageError(usage, `'${text}' is not a message id, which is a UUID`);
}
