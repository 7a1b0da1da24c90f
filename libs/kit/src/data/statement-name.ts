import { createHash } from 'node:crypto';

const names = new Map<string, string>();

/**
 * A name for a statement with a constant text, the same on every call and in every process; a connection caches the
 * prepared statement under it, and traces show it.
 */
export function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined)
    names.set(text, (name = `fledge-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`));
  return name;
}
