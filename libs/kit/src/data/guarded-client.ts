import { SteadyClient } from './steady-client.js';

/**
 * Statements that may change a connection's role: `set role`, `reset all`, `set session authorization`, `discard`,
 * `set_config`, or what can run any of them from a text. Some match that do not, and those cost one more statement; none
 * that changes the role must be missed.
 */
const MAY_CHANGE_ROLE =
  /\brole\b|authorization|\breset\b|\bdiscard\b|set_config|\bdo\b(?!\s+(?:nothing|update)\b)|\bcall\b|\bexecute\b|query_to_xml|u&/i;

/** Searching a long text takes microseconds, and a module sends few different ones. */
const known = new Map<string, boolean>();
/** The most texts that are remembered, and the longest, in characters. */
const KNOWN_MAX = 1_000;
const KNOWN_CHARS_MAX = 4_096;

function mayChangeRole(text: string): boolean {
  const before = known.get(text);
  if (before !== undefined) return before;
  const may = MAY_CHANGE_ROLE.test(text);
  if (known.size >= KNOWN_MAX) known.clear();
  if (text.length <= KNOWN_CHARS_MAX) known.set(text, may);
  return may;
}

/** A connection of a pool that remembers whether a statement may have changed its role. */
export class GuardedClient extends SteadyClient {
  /** Whether the role must be looked at before the connection is used for something else. */
  isDoubtful = false;

  // pg's own overloads; only the text matters here
  override query: SteadyClient['query'] = ((...args: unknown[]): unknown => {
    const text = typeof args[0] === 'string' ? args[0] : (args[0] as { readonly text?: unknown } | undefined)?.text;
    if (typeof text !== 'string' || mayChangeRole(text)) this.isDoubtful = true;
    return (super.query as (...all: unknown[]) => unknown)(...args);
  }) as SteadyClient['query'];

  /** Whether the connection still has the role and the login that it was opened with. */
  async isItself(role: string, login: string): Promise<boolean> {
    const { rows } = await super.query<{ same: boolean }>('select current_user = $1 and session_user = $2 as same', [
      role,
      login,
    ]);
    this.isDoubtful = false;
    return rows[0]?.same === true;
  }
}
