import { type Alias, type Document, isScalar, LineCounter, type Node, parseDocument, type Scalar, visit } from 'yaml';
import type { Place } from './topology.js';
import type { TopologyProblem } from './topology-error.js';

const SUBSTITUTION = /\$\{[^}\n]*\}/g;
const NAMED = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?\}$/;
// Private-use characters: a substitution becomes a word of the same length that has no meaning in YAML.
const HEAD = '\uE000';
const TAIL = '\uE001';
const DIGIT_ZERO = 0xe100;
const DIGITS = 0x1000;
const PLACEHOLDER = /\uE000([\uE100-\uF0FF])([\uE100-\uF0FF])\uE001*/g;

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A YAML text with `${NAME}` and `${NAME:-default}` substituted, which knows the position of each value.
 *
 * Values are substituted after parsing, so that no value can change the structure, and so that substitutions may appear
 * in `{ flow: maps }`. The parser sees a word of the same length in their place, which keeps every position. An
 * unquoted value gets the type it would have had in the file: `true` is a boolean, `3000` a number.
 */
export class YamlSource {
  readonly problems: TopologyProblem[] = [];
  private readonly lines = new LineCounter();
  private readonly substitutions: { readonly text: string; readonly offset: number }[] = [];
  /** Nodes whose substitution failed: reported once, and not again for the missing text. */
  private readonly broken = new Set<unknown>();
  private readonly document: Document.Parsed;

  constructor(
    text: string,
    private readonly env: Environment,
  ) {
    this.document = parseDocument(this.hideSubstitutions(text), {
      lineCounter: this.lines,
      prettyErrors: false,
      stringKeys: true,
    });
    for (const error of this.document.errors) {
      if (error.code === 'MULTIPLE_DOCS') {
        this.addAt(
          error.pos[0],
          'this is not valid YAML: a second document begins',
          'Keep one document: remove this line and what follows',
        );
        continue;
      }
      const message = this.reveal(error.message).replace(/\.$/, '');
      this.addAt(
        error.pos[0],
        `this is not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`,
        'Correct the indentation, quotes or brackets here',
      );
    }
    visit(this.document, {
      Scalar: (key, node) => this.putIn(node, key === 'key'),
      Alias: (_key, node, path) => this.judge(node, path),
    });
  }

  /** The whole content; null when the text is empty or is not YAML. */
  get root(): Node | null {
    return this.document.errors.length > 0 ? null : this.document.contents;
  }

  /** The node, or the target if it is an alias. */
  resolve(node: unknown): unknown {
    return node !== null && typeof node === 'object' && 'resolve' in node && typeof node.resolve === 'function'
      ? (node.resolve as (doc: Document) => unknown)(this.document)
      : node;
  }

  /** The plain value of a node: objects, lists, strings, numbers, booleans, null. */
  valueOf(node: unknown): unknown {
    const resolved = this.resolve(node);
    if (isScalar(resolved)) return resolved.value;
    if (
      resolved === null ||
      typeof resolved !== 'object' ||
      !('toJS' in resolved) ||
      typeof resolved.toJS !== 'function'
    )
      return resolved;
    try {
      return (resolved.toJS as (doc: Document) => unknown)(this.document);
    } catch (error) {
      // the protection of `yaml` against small inputs that expand until memory is full
      if (!(error instanceof ReferenceError)) throw error;
      if (!this.broken.has(node))
        this.add(node, 'its aliases expand to too many values', 'Write the values themselves');
      this.broken.add(node);
      return undefined;
    }
  }

  /** Whether the node has no value because of a problem that is already recorded. */
  isBroken(node: unknown): boolean {
    return this.broken.has(node) || this.broken.has(this.resolve(node));
  }

  /**
   * Records a problem at a node, or about the whole file without a node. `fact` and `cure` are sentences without their
   * full stop.
   */
  add(node: unknown, fact: string, cure: string): void {
    const offset = offsetOf(node);
    if (offset === undefined) this.problems.push({ line: 0, column: 0, fact, cure });
    else this.addAt(offset, fact, cure);
  }

  private addAt(offset: number, fact: string, cure: string): void {
    this.problems.push({ ...this.at(offset), fact, cure });
  }

  /** The position of a node. */
  placeOf(node: unknown): Place {
    return this.at(offsetOf(node) ?? 0);
  }

  private at(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { line, column: col };
  }

  private hideSubstitutions(text: string): string {
    return text.replace(SUBSTITUTION, (found, offset: number) => {
      const index = this.substitutions.push({ text: found, offset }) - 1;
      const name = String.fromCharCode(DIGIT_ZERO + Math.floor(index / DIGITS), DIGIT_ZERO + (index % DIGITS));
      return HEAD + name + TAIL.repeat(found.length - 3);
    });
  }

  private putIn(node: Scalar, isKey: boolean): void {
    if (typeof node.value !== 'string') return;
    const { value } = node;
    const problemsBefore = this.problems.length;
    const put = value.replace(PLACEHOLDER, (hidden, high: string, low: string) => {
      const found = this.substitutions[(high.charCodeAt(0) - DIGIT_ZERO) * DIGITS + low.charCodeAt(0) - DIGIT_ZERO];
      if (!found) return hidden;
      return isKey ? found.text : this.lookUp(found.text, found.offset);
    });
    if (isKey) {
      node.value = put;
      return;
    }
    if (put.includes('${'))
      this.add(node, "'${' opens a substitution that is not closed on its line", 'Write ${NAME} or ${NAME:-default}');
    if (this.problems.length > problemsBefore) this.broken.add(node);
    if (put !== value) node.value = node.type === 'PLAIN' ? typed(put) : put;
  }

  /** `path`: the nodes around the alias. */
  private judge(alias: Alias, path: readonly unknown[]): void {
    const target = this.resolve(alias);
    if (target !== undefined && !path.includes(target)) return;
    this.broken.add(alias);
    if (target === undefined)
      this.add(
        alias,
        `the alias '*${alias.source}' refers to nothing: no value before it has the anchor '&${alias.source}'`,
        'Add the anchor, or write the value itself',
      );
    else
      this.add(alias, `the alias '*${alias.source}' is inside the value that it refers to`, 'Write the value itself');
  }

  private lookUp(text: string, offset: number): string {
    const [, name, fallback] = NAMED.exec(text) ?? [];
    if (name === undefined) {
      this.addAt(offset, `'${text}' is not a substitution`, 'Write ${NAME} or ${NAME:-default}');
      return '';
    }
    const value = this.env[name];
    // as in the shell, an empty variable gets the default too
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback !== undefined) return fallback;
    this.addAt(offset, `the environment variable ${name} is not set`, `Set it, or give a default: \${${name}:-…}`);
    return '';
  }

  private reveal(text: string): string {
    return text.replace(
      PLACEHOLDER,
      (hidden, high: string, low: string) =>
        this.substitutions[(high.charCodeAt(0) - DIGIT_ZERO) * DIGITS + low.charCodeAt(0) - DIGIT_ZERO]?.text ?? hidden,
    );
  }
}

function typed(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  return /^-?(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text) ? Number(text) : text;
}

function offsetOf(node: unknown): number | undefined {
  return node !== null && typeof node === 'object' && 'range' in node && Array.isArray(node.range)
    ? (node.range[0] as number)
    : undefined;
}
