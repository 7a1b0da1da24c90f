import { type Class, FledgeError, isForm, isNullable, type MessageSpec, type ResultType } from '../contract/index.js';

/** A handler returned an instance of another class than the result of its contract, such as an entity. */
export class WrongResult extends FledgeError {
  readonly code = 'fledge.wrong-result';
  readonly kind = 'internal';
  readonly outcome = 'unknown';
  get hint(): string {
    return `Make ${this.wanted} of it in the handler; an entity does not cross a boundary. A plain object with the fields of ${this.wanted}, and no others, will do.`;
  }
  get data(): Readonly<Record<string, unknown>> {
    return { contract: this.contract, returned: this.returned, wanted: this.wanted };
  }
  constructor(
    readonly contract: string,
    /** The names of the two classes. */
    readonly returned: string,
    readonly wanted: string,
  ) {
    super(`the handler of ${contract} returned an instance of ${returned}, but its result is ${wanted}`);
    // a log shows the message
    this.message += `. ${this.hint}`;
  }
}

/** The error for a result that was refused: about its class, if it is of another. */
export function refusedResult({ name, result }: MessageSpec, value: unknown, refused: unknown): unknown {
  const wanted = classOf(result);
  if (wanted === undefined) return refused;
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const other = values.find((each) => isOfOtherClass(each, wanted)) as object | undefined;
  return other ? new WrongResult(name, other.constructor.name, wanted.name) : refused;
}

/** The class of a result, or of the items of a list; `undefined` for primitives, which have no fields, and for forms. */
function classOf(result: ResultType): Class | undefined {
  const type = isNullable(result) ? result.nullable : result;
  const item = Array.isArray(type) ? (type as readonly unknown[])[0] : type;
  return typeof item !== 'function' || isForm(item) || [String, Number, Boolean].includes(item as never)
    ? undefined
    : (item as unknown as Class);
}

function isOfOtherClass(value: unknown, cls: Class): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const proto = Object.getPrototypeOf(value) as object | null;
  return proto !== null && proto !== Object.prototype && proto !== cls.prototype && 'constructor' in proto;
}
