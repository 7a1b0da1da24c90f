import { isMap, isSeq, type Pair } from 'yaml';
import { cureOfUnknown } from './nearest.js';
import { type ValueReader, shown } from './values.js';
import type { YamlSource } from './yaml-source.js';

/** One entry of a section: the position of its key, and its value. */
export interface Entry {
  readonly key: string;
  readonly keyNode: unknown;
  readonly valueNode: unknown;
}

/**
 * A map of the file, read key by key. Problems are recorded in the source and the default is used, so that all problems
 * are found at once.
 */
export class Section {
  /** In the order of the file. */
  readonly entries: readonly Entry[];
  private readonly known: string[] = [];

  /** `path` is empty for the whole file; `node` may be missing: an empty section. */
  constructor(
    private readonly source: YamlSource,
    private readonly path: string,
    private readonly node?: unknown,
  ) {
    const map = source.resolve(node);
    if (!isMap(map)) {
      this.entries = [];
      const value = source.valueOf(node);
      if (value !== undefined && value !== null)
        source.add(node, `${path || 'the file'} is ${shown(value)}`, 'It must be a map: keys with values');
      return;
    }
    this.entries = (map.items as Pair[]).map(({ key, value }) => ({
      key: String(source.valueOf(key)),
      keyNode: key,
      valueNode: value,
    }));
  }

  /** The value of a key, or the default when the key is missing or its value is wrong. */
  read<T>(key: string, reader: ValueReader<T>, fallback: T): T {
    const entry = this.find(key);
    if (!entry || this.source.isBroken(entry.valueNode)) return fallback;
    const read = reader(this.source.valueOf(entry.valueNode), this.pathOf(key));
    if ('value' in read) return read.value;
    this.source.add(entry.valueNode ?? entry.keyNode, read.fact, read.cure);
    return fallback;
  }

  /** The map under a key; empty when it is missing. */
  section(key: string): Section {
    return new Section(this.source, this.pathOf(key), this.find(key)?.valueNode);
  }

  /** The items of the list under a key, with their positions; empty when it is missing. */
  list(key: string): readonly { readonly node: unknown; readonly value: unknown }[] {
    const entry = this.find(key);
    const value = this.source.resolve(entry?.valueNode);
    if (isSeq(value)) return value.items.map((node) => ({ node, value: this.source.valueOf(node) }));
    if (entry)
      this.source.add(
        entry.valueNode ?? entry.keyNode,
        `${this.pathOf(key)} is ${shown(this.source.valueOf(entry.valueNode))}`,
        'It must be a list, as in [catalog, inventory]',
      );
    return [];
  }

  /** Records a problem at a key of this section, or at the section if the key is missing. */
  add(key: string, fact: string, cure: string): void {
    this.source.add(this.entries.find((entry) => entry.key === key)?.keyNode ?? this.node, fact, cure);
  }

  /** Records every key that was never read, with the nearest known one as a suggestion. Call it last. */
  refuseUnknownKeys(): void {
    for (const { key, keyNode } of this.entries) {
      if (this.known.includes(key)) continue;
      this.source.add(keyNode, `unknown key '${this.pathOf(key)}'`, cureOfUnknown(key, this.known));
    }
  }

  private find(key: string): Entry | undefined {
    if (!this.known.includes(key)) this.known.push(key);
    return this.entries.find((entry) => entry.key === key);
  }

  private pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }
}
