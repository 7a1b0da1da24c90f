import { type Class, InvalidMessage, type JsonValue, shapeOf, StartupError } from '../contract/index.js';
import { classCodec, type Codec } from './codec.js';

/**
 * The most bytes of a context as JSON, in which a character that is not ASCII takes six. The limit is low because the
 * context crosses in a header of every call and every message.
 */
export const CONTEXT_BYTES_MAX = 2_048;

/** How many texts a reader keeps parsed: most calls come from few tenants and locales. */
const READ_MAX = 256;

/** The values of an application's context in one piece of work; never changes, so that calls share it. */
export class ContextValues {
  private constructor(
    /** By the name of their field; also those that this process does not know. */
    private readonly record: Readonly<Record<string, JsonValue>>,
    /** JSON in printable ASCII, as it crosses. */
    readonly text: string,
  ) {}

  /** @returns `undefined` for no values at all. */
  static of(record: Readonly<Record<string, JsonValue>>): ContextValues | undefined {
    return Object.keys(record).length === 0 ? undefined : new ContextValues(record, asciiOf(record));
  }

  /** The values that `text` holds; `undefined` if it is no JSON object. */
  static parse(text: string): ContextValues | undefined {
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      // anybody may have sent it: the reader says what is wrong with it
      return undefined;
    }
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return undefined;
    return new ContextValues(record as Record<string, JsonValue>, asciiOf(record));
  }

  /** These values and others; `undefined` removes one. */
  with(changes: Readonly<Record<string, JsonValue | undefined>>): ContextValues | undefined {
    const all = Object.entries({ ...this.record, ...changes }).filter(([, value]) => value !== undefined);
    return ContextValues.of(Object.fromEntries(all) as Record<string, JsonValue>);
  }

  /** An instance of the class, without the values that it does not know. @throws InvalidMessage */
  as(codec: Codec): object {
    return codec.decode(this.record) as object;
  }
}

/** JSON that a header can hold, and a column of JSON, which has no U+0000 and no half surrogate pairs. */
function asciiOf(record: object): string {
  return JSON.stringify(record).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const codecs = new WeakMap<Class, Codec>();

/** How values are checked against a class. Fields that the class does not have are passed on unchecked. */
export function contextCodec(cls: Class): Codec {
  let codec = codecs.get(cls);
  if (codec === undefined) codecs.set(cls, (codec = classCodec(`the context ${cls.name}`, cls, 'open')));
  return codec;
}

const DECLARED = Symbol.for('fledge.context');

/** Whether an application of this process has named the class as its context. */
export function isDeclared(cls: Class): boolean {
  return Object.hasOwn(cls, DECLARED);
}

/**
 * Reads the contexts that come with calls and messages from elsewhere.
 * @throws StartupError for a class that cannot be a context.
 */
export class ContextReader {
  private readonly known = new Map<string, ContextValues>();
  private readonly codec: Codec | undefined;

  /** @param declared the context of the application; without one, values pass through unread. */
  constructor(declared?: Class) {
    if (declared === undefined) return;
    const { fields } = shapeOf(declared);
    if (fields.length === 0)
      throw new StartupError(
        'context',
        `${declared.name}, the application's context, has no decorated field`,
        'Decorate its fields with class-validator, each with @IsOptional().',
      );
    for (const { name, optional } of fields) {
      if (!optional)
        throw new StartupError(
          'context',
          `${declared.name}.${name}, a field of the application's context, is not optional`,
          'Add @IsOptional(): until somebody sets it, it has no value.',
        );
    }
    this.codec = contextCodec(declared);
    Object.defineProperty(declared, DECLARED, { value: true, configurable: true });
  }

  /** @throws InvalidMessage for values that do not fit the application's context, and for what is no context. */
  read(message: string, text: string | undefined): ContextValues | undefined {
    if (text === undefined) return undefined;
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const values = text.length > CONTEXT_BYTES_MAX ? undefined : ContextValues.parse(text);
    // it goes on in ASCII, which is longer if it came in UTF-8
    if (values === undefined || values.text.length > CONTEXT_BYTES_MAX)
      throw new InvalidMessage(`the context of ${message}`, [
        { path: '', rule: 'context', message: `must be a JSON object of at most ${CONTEXT_BYTES_MAX} bytes` },
      ]);
    if (this.codec) this.check(message, values, this.codec);
    if (this.known.size >= READ_MAX) this.known.clear();
    this.known.set(text, values);
    return values;
  }

  private check(message: string, values: ContextValues, codec: Codec): void {
    try {
      values.as(codec);
    } catch (error) {
      if (error instanceof InvalidMessage) throw new InvalidMessage(`the context of ${message}`, error.violations);
      throw error;
    }
  }
}
