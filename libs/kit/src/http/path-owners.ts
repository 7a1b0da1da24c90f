import { routeKey } from '../contract/index.js';

/** A path prefix that has parameters, and its owner. */
interface Pattern<Owner> {
  readonly key: string;
  readonly prefix: string;
  readonly test: RegExp;
  readonly owner: Owner;
}

/**
 * The owners of path prefixes. In `/articles/:slug/comments`, `:slug` stands for any one segment. The prefix with the
 * most segments wins. Of prefixes with equally many, the first difference from the left decides: a literal segment wins
 * over a parameter.
 */
export class PathOwners<Owner> {
  private readonly plain = new Map<string, Owner>();
  private patterns: readonly Pattern<Owner>[] = [];

  /** Assigns a prefix; one that differs only in the names of its parameters is the same. */
  set(prefix: string, owner: Owner): void {
    const key = routeKey(prefix);
    if (key === prefix) {
      this.plain.set(prefix, owner);
      return;
    }
    const test = new RegExp(`^${key.replaceAll('.', '\\.').replaceAll('/:', '/[^/]+')}$`);
    this.patterns = [...this.patterns.filter((other) => other.key !== key), { key, prefix, test, owner }].sort(
      (a, b) => (rank(a) < rank(b) ? -1 : 1),
    );
  }

  /** The owner of exactly this prefix. */
  get(prefix: string): Owner | undefined {
    const key = routeKey(prefix);
    return key === prefix ? this.plain.get(prefix) : this.patterns.find((pattern) => pattern.key === key)?.owner;
  }

  /** The owner of a URL's path. */
  of(url: string): Owner | undefined {
    let end = url.indexOf('?');
    let path = end === -1 ? url : url.slice(0, end);
    for (;;) {
      const owner = this.plain.get(path) ?? this.matching(path);
      if (owner !== undefined) return owner;
      end = path.lastIndexOf('/');
      if (end <= 0) return this.plain.get('/');
      path = path.slice(0, end);
    }
  }

  /** All prefixes with their owners. */
  entries(): [prefix: string, owner: Owner][] {
    return [...this.plain, ...this.patterns.map(({ prefix, owner }): [string, Owner] => [prefix, owner])];
  }

  private matching(path: string): Owner | undefined {
    for (const { test, owner } of this.patterns) if (test.test(path)) return owner;
    return undefined;
  }
}

/** Sorts a parameter after any text that may stand in its place. */
function rank({ key }: { readonly key: string }): string {
  return key.replaceAll('/:', '/\uffff');
}
